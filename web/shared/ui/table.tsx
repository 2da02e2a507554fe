import type { ComponentChildren } from 'preact';

export interface Column<R> {
  key: string;
  head: ComponentChildren;
  cell: (row: R) => ComponentChildren;
  align?: 'right';
  width?: string;
}

/** A table whose rows may be opened by mouse or Enter. */
export function Table<R>({
  columns,
  rows,
  id,
  onOpen,
  chosen,
  caption,
}: {
  columns: Column<R>[];
  rows: R[];
  id: (row: R) => string;
  onOpen?: (row: R) => void;
  chosen?: string | null;
  caption: string;
}) {
  return (
    <div class="table-wrap">
      <table class="table">
        <caption class="unseen">{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column.key} scope="col" class={column.align} style={column.width ? { width: column.width } : undefined}>
                {column.head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr
              key={id(row)}
              class={`${onOpen ? 'opens' : ''} ${chosen === id(row) ? 'chosen' : ''}`}
              {...(onOpen ? { tabIndex: 0 } : {})}
              onClick={() => onOpen?.(row)}
              onKeyDown={(event) => event.key === 'Enter' && event.target === event.currentTarget && onOpen?.(row)}
            >
              {columns.map((column) => (
                <td key={column.key} class={column.align}>
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
