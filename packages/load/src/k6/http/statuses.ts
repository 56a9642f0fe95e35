/** What `http.expectedStatuses` makes: the statuses that count as success. */
export class ExpectedStatuses {
  readonly #ranges: readonly { readonly min: number; readonly max: number }[];

  constructor(...statuses: readonly (number | { min: number; max: number })[]) {
    if (statuses.length === 0) throw new Error("no arguments");
    this.#ranges = statuses.map((status) => {
      if (typeof status === "number") return { min: status, max: status };
      if (typeof status?.min === "number" && typeof status.max === "number") return status;
      throw new Error(
        `expectedStatuses takes numbers and objects such as {min: 200, max: 299}, got ${JSON.stringify(status)}`,
      );
    });
  }

  includes(status: number): boolean {
    return this.#ranges.some(({ min, max }) => status >= min && status <= max);
  }
}

export const defaultExpectedStatuses: ExpectedStatuses = new ExpectedStatuses({ min: 200, max: 399 });
