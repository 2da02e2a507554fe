/** Puts a text on the clipboard, also on a page without HTTPS, where browsers hide the clipboard from pages. */
export async function copyText(text: string): Promise<void> {
  // Not promised where the page came over plain HTTP, whatever its type says.
  const clipboard = navigator.clipboard as Clipboard | undefined;
  if (clipboard) return clipboard.writeText(text);
  const field = document.createElement('textarea');
  field.value = text;
  field.style.position = 'fixed';
  field.style.opacity = '0';
  // Inside an open dialog, or the dialog takes the focus back before anything is chosen.
  (document.querySelector('dialog[open]') ?? document.body).append(field);
  field.select();
  const done = document.execCommand('copy');
  field.remove();
  if (!done) throw new Error('the browser does not copy');
}
