import { Column } from "./column.ts";
import type { AgentEntry } from "./entry.ts";
import { registryErrors } from "./errors.ts";
import { type ValueField, valueFields } from "./query.ts";
import { SlotSet } from "./slot-set.ts";

/** Kinds of resources; each takes a column of numbers. */
const maxResourceKinds = 64;

/** Everything discovery asks: for each value the set of slots that have it, for each resource a column. */
export class RegistryIndices {
  /** Slots in use. */
  readonly live: SlotSet = new SlotSet();
  readonly #values: ReadonlyMap<ValueField, Map<string, SlotSet>> = new Map(
    valueFields.map((field) => [field, new Map()]),
  );
  readonly #capabilities = new Map<string, SlotSet>();
  readonly #columns = new Map<string, Column>();

  having(field: ValueField, value: string): SlotSet | undefined {
    return this.#values.get(field)?.get(value);
  }

  capable(capability: string): SlotSet | undefined {
    return this.#capabilities.get(capability);
  }

  column(resource: string): Column | undefined {
    return this.#columns.get(resource);
  }

  /** @throws MettleError `REGISTRY_METADATA_INVALID` when there are too many kinds; asked before anything changes. `resources` has each once */
  checkRoom(resources: Iterable<string>): void {
    let unknown = 0;
    for (const resource of resources) if (!this.#columns.has(resource)) unknown += 1;
    if (this.#columns.size + unknown <= maxResourceKinds) return;
    throw registryErrors.create(
      "REGISTRY_METADATA_INVALID",
      `There are more than ${maxResourceKinds} kinds of resources in the registry.`,
    );
  }

  add(slot: number, entry: AgentEntry<unknown>): void {
    this.live.add(slot);
    for (const field of valueFields) this.#addTo(this.#values.get(field), entry[field], slot);
    for (const capability of entry.capabilities) this.#addTo(this.#capabilities, capability, slot);
    for (const resource in entry.resources) this.#setResource(resource, slot, entry.resources[resource]!);
  }

  remove(slot: number, entry: AgentEntry<unknown>): void {
    this.live.delete(slot);
    for (const field of valueFields) this.#removeFrom(this.#values.get(field), entry[field], slot);
    for (const capability of entry.capabilities) this.#removeFrom(this.#capabilities, capability, slot);
    for (const resource in entry.resources) this.#setResource(resource, slot, Number.NaN);
  }

  /** Touches only what differs. */
  update(slot: number, before: AgentEntry<unknown>, after: AgentEntry<unknown>): void {
    for (const field of valueFields) {
      if (before[field] === after[field]) continue;
      this.#removeFrom(this.#values.get(field), before[field], slot);
      this.#addTo(this.#values.get(field), after[field], slot);
    }
    if (before.capabilities !== after.capabilities) {
      for (const capability of before.capabilities) this.#removeFrom(this.#capabilities, capability, slot);
      for (const capability of after.capabilities) this.#addTo(this.#capabilities, capability, slot);
    }
    if (before.resources !== after.resources) {
      for (const resource in before.resources) this.#setResource(resource, slot, Number.NaN);
      for (const resource in after.resources) this.#setResource(resource, slot, after.resources[resource]!);
    }
  }

  #addTo(index: Map<string, SlotSet> | undefined, value: string | undefined, slot: number): void {
    if (index === undefined || value === undefined) return;
    let slots = index.get(value);
    if (slots === undefined) index.set(value, (slots = new SlotSet()));
    slots.add(slot);
  }

  #removeFrom(index: Map<string, SlotSet> | undefined, value: string | undefined, slot: number): void {
    if (index === undefined || value === undefined) return;
    const slots = index.get(value);
    slots?.delete(slot);
    if (slots?.size === 0) index.delete(value);
  }

  #setResource(resource: string, slot: number, amount: number): void {
    let column = this.#columns.get(resource);
    if (column === undefined) {
      if (Number.isNaN(amount)) return;
      this.#columns.set(resource, (column = new Column()));
    }
    column.set(slot, amount);
    if (column.size === 0) this.#columns.delete(resource);
  }
}
