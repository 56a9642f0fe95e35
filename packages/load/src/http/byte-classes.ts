/** Tables over one byte, read in loops over every byte of a head: an indexed read is the cheapest test there is. */

const table = (accepts: (byte: number) => boolean): Uint8Array =>
  Uint8Array.from({ length: 256 }, (_, byte) => (accepts(byte) ? 1 : 0));

const tokenPunctuation = new Set([..."!#$%&'*+-.^_`|~"].map((character) => character.charCodeAt(0)));

/** RFC 9110 5.6.2: what a field name consists of. */
export const tokenBytes: Uint8Array = table(
  (byte) =>
    (byte >= 0x30 && byte <= 0x39) ||
    (byte >= 0x41 && byte <= 0x5a) ||
    (byte >= 0x61 && byte <= 0x7a) ||
    tokenPunctuation.has(byte),
);

/** RFC 9110 5.5: what a field value consists of, with the blanks and tabs within it. No NUL, CR, LF or other control. */
export const fieldValueBytes: Uint8Array = table((byte) => byte === 0x09 || (byte >= 0x20 && byte !== 0x7f));

export const TAB = 0x09;
export const LF = 0x0a;
export const CR = 0x0d;
export const SPACE = 0x20;
export const COLON = 0x3a;
export const SEMICOLON = 0x3b;

/** A lower-case name as bytes, for `equalsIgnoringCase`. */
export function nameBytes(lowerCase: string): Uint8Array {
  return Uint8Array.from(lowerCase, (character) => character.charCodeAt(0));
}

/** Whether the bytes at `start` are `name`, which must be lower case and as long as what it is compared with. Hot. */
export function equalsIgnoringCase(bytes: Uint8Array, start: number, name: Uint8Array): boolean {
  for (let i = 0; i < name.length; i++) {
    // Setting bit 5 makes letters lower case and leaves the hyphen; no other byte of a token becomes one of these.
    if ((bytes[start + i]! | 0x20) !== name[i]) return false;
  }
  return true;
}

/** The value of a hexadecimal digit, or -1. Hot. */
export function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
