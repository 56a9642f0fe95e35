import type { Instance } from "./instance.ts";

/** How much more than its share an instance may have at once before it is passed over. */
const bound = 1.25;
/** So few are nobody's burden. */
const freely = 4;

/**
 * Gives requests to instances in turn, so that all have the same number, but passes over one that has a quarter more than
 * its share waiting: a slow instance is not buried (bounded loads, Mirrokni, Thorup and Zadimoghaddam 2018).
 */
export class Balancer {
  readonly #instances: readonly Instance[];
  #turn = 0;

  constructor(instances: readonly Instance[]) {
    this.#instances = instances;
  }

  /** Hot: once a request. @returns undefined when none but those in `without` is available */
  choose(without?: ReadonlySet<Instance>): Instance | undefined {
    const instances = this.#instances;
    let available = 0;
    let outstanding = 0;
    for (const instance of instances) {
      if (!instance.available) continue;
      available += 1;
      outstanding += instance.outstanding;
    }
    const most = Math.max(freely, Math.ceil((bound * (outstanding + 1)) / available));
    let passedOver: Instance | undefined;
    for (let i = 0; i < instances.length; i++) {
      const at = (this.#turn + i) % instances.length;
      const instance = instances[at] as Instance;
      if (!instance.available || without?.has(instance) === true) continue;
      if (instance.outstanding < most) {
        this.#turn = (at + 1) % instances.length;
        return instance;
      }
      if (passedOver === undefined || instance.outstanding < passedOver.outstanding) passedOver = instance;
    }
    return passedOver;
  }
}
