// The named characters that agents write. The result is only ever text, so "<" is a character and no more.

const NAMED = new Map(
  Object.entries({
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: '\u00a0',
  copy: '©',
  hellip: '…',
  ndash: '–',
  mdash: '—',
  bull: '•',
  deg: '°',
  times: '×',
  euro: '€',
  rarr: '→',
  larr: '←',
  }),
);

/** `text` with `&amp;`, `&#39;` and `&#x27;` as the characters they name. */
export function decodeEntities(text: string): string {
  return text.replace(
    /&(?:#(\d{1,7})|#x([\da-f]{1,6})|(\w{1,8}));/gi,
    (whole, dec?: string, hex?: string, name?: string) => {
      if (name !== undefined) return NAMED.get(name) ?? whole;
      const point = dec === undefined ? Number.parseInt(hex ?? '', 16) : Number(dec);
      return point > 0 && point <= 0x10ffff ? String.fromCodePoint(point) : whole;
    },
  );
}
