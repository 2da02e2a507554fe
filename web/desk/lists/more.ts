/** A list that grows by "load more" and starts anew when its question changes. */
import { useEffect, useState } from 'preact/hooks';
import { api } from '@shared/api';
import { asApiError, type Resource } from '@shared/resource';
import type { Page } from '@shared/types';
import type { ApiError } from '@shared/api';

type Query = Record<string, string | number | boolean | null | undefined>;
export interface Growing<T> extends Resource<T[]> {
  next: string | null;
  more: () => void;
}

export function useList<T>(path: string, query: Query, limit = 50, turn: unknown = 0): Growing<T> {
  const [state, setState] = useState<{ data: T[] | null; next: string | null; error: ApiError | null; loading: boolean }>({
    data: null,
    next: null,
    error: null,
    loading: true,
  });
  const [again, setAgain] = useState(0);
  const mark = JSON.stringify([path, query, limit]);
  useEffect(() => {
    const stop = new AbortController();
    setState((old) => ({ ...old, loading: true }));
    api.get<Page<T>>(path, { ...query, limit }, { signal: stop.signal }).then(
      (page) => !stop.signal.aborted && setState({ data: page.items, next: page.next, error: null, loading: false }),
      (error: unknown) => !stop.signal.aborted && setState((old) => ({ ...old, error: asApiError(error), loading: false })),
    );
    return () => stop.abort();
  }, [mark, again, turn]);
  const more = () => {
    if (!state.next || state.loading) return;
    setState((old) => ({ ...old, loading: true }));
    api.get<Page<T>>(path, { ...query, limit, after: state.next }).then(
      (page) => setState((old) => ({ data: [...(old.data ?? []), ...page.items], next: page.next, error: null, loading: false })),
      (error: unknown) => setState((old) => ({ ...old, error: asApiError(error), loading: false })),
    );
  };
  return {
    data: state.data,
    error: state.error,
    loading: state.loading,
    next: state.next,
    more,
    reload: () => setAgain((n) => n + 1),
    set: (data) => setState((old) => ({ ...old, data })),
  };
}

/** The value, once it has rested for a moment. */
export function useRested<T>(value: T, ms = 300): T {
  const [rested, setRested] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setRested(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return rested;
}
