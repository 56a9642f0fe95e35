/** What JavaScript itself makes of a value where a script gives something else than a text: k6 converts alike. */
export const textOf = (value: unknown): string => String(value);
