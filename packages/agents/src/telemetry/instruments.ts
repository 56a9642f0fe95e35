/** What is told with a measurement. Few different values each: every combination is a series somewhere. */
export type Attributes = Readonly<Record<string, string | number | boolean>>;

export type InstrumentKind = "counter" | "gauge" | "histogram";

export interface InstrumentOptions {
  /** Of the values: `ns`, `bytes`, `1` for counts. @defaultValue "1" */
  readonly unit?: string;
  readonly description?: string;
}

/** Takes measurements. What it throws gets it detached, with a warning: measuring must not break what is measured. */
export interface MeasurementHandler {
  measured(instrument: Instrument, value: number, attributes: Attributes): void;
}

const noAttributes: Attributes = Object.freeze({});

/** A named measurement. `handlers` is `undefined` while nobody listens, and a call then costs the reading of it. */
export class Instrument {
  readonly kind: InstrumentKind;
  /** Dotted. */
  readonly name: string;
  readonly unit: string;
  readonly description: string;
  /** The telemetry's own. */
  handlers: readonly MeasurementHandler[] | undefined = undefined;
  readonly #failed: (handler: MeasurementHandler, error: unknown) => void;

  constructor(
    kind: InstrumentKind,
    name: string,
    options: InstrumentOptions,
    failed: (handler: MeasurementHandler, error: unknown) => void,
  ) {
    this.kind = kind;
    this.name = name;
    this.unit = options.unit ?? "1";
    this.description = options.description ?? "";
    this.#failed = failed;
  }

  /** True when a measurement reaches anybody; ask before computing one that costs. */
  get listened(): boolean {
    return this.handlers !== undefined;
  }

  protected tell(value: number, attributes: Attributes = noAttributes): void {
    for (const handler of this.handlers ?? []) {
      try {
        handler.measured(this, value, attributes);
      } catch (error) {
        this.#failed(handler, error);
      }
    }
  }
}

/** Only goes up. */
export class Counter extends Instrument {
  /** Hot. @param value - 0 or more */
  add(value = 1, attributes?: Attributes): void {
    if (this.handlers !== undefined) this.tell(value, attributes);
  }
}

/** Goes up and down; the last value counts. */
export class Gauge extends Instrument {
  /** Hot. */
  set(value: number, attributes?: Attributes): void {
    if (this.handlers !== undefined) this.tell(value, attributes);
  }
}

/** Values whose distribution matters: durations, sizes. */
export class HistogramInstrument extends Instrument {
  /** Hot. */
  record(value: number, attributes?: Attributes): void {
    if (this.handlers !== undefined) this.tell(value, attributes);
  }
}
