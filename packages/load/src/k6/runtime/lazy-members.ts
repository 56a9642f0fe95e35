/** What makes each member of an object, given what they have in common. */
export type MemberMakers<Parts> = Readonly<Record<string, (parts: Parts) => unknown>>;

const partsOf: unique symbol = Symbol("parts");

/**
 * A class of objects whose members are made when they are first read. There is one such object for each of thousands of
 * users, of which most use two or three members. `default` is the object itself.
 */
export function lazyMembers<Parts>(makers: MemberMakers<Parts>): new (parts: Parts) => Record<string, unknown> {
  class Members {
    readonly [partsOf]: Parts;

    constructor(parts: Parts) {
      this[partsOf] = parts;
    }

    get default(): unknown {
      return this;
    }
  }
  const keep = (members: object, name: string, value: unknown): void => {
    Object.defineProperty(members, name, { value, enumerable: true, writable: true, configurable: true });
  };
  for (const [name, make] of Object.entries(makers)) {
    Object.defineProperty(Members.prototype, name, {
      get(this: Members) {
        const value = make(this[partsOf]);
        keep(this, name, value);
        return value;
      },
      set(this: Members, value: unknown) {
        keep(this, name, value);
      },
      enumerable: true,
      configurable: true,
    });
  }
  return Members as unknown as new (
    parts: Parts,
  ) => Record<string, unknown>;
}
