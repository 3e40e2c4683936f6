/** Puts `text` on the clipboard, on plain-http pages too, where `navigator.clipboard` is missing. */
export async function copyText(text: string, near: HTMLElement): Promise<void> {
  if (globalThis.isSecureContext && navigator.clipboard) {
    await navigator.clipboard.writeText(text);
    return;
  }
  const area = document.createElement('textarea');
  area.className = 'offscreen';
  area.value = text;
  near.after(area);
  area.select();
  document.execCommand('copy');
  area.remove();
  near.focus();
}
