import { refuseProblems, within } from "../coordination/check-options.ts";
import { economyErrors } from "./errors.ts";

export interface AccountState {
  readonly limit: number;
  readonly spent: number;
  /** Promised and neither spent nor released. */
  readonly reserved: number;
  readonly available: number;
}

/** Money set aside for something that is not certain yet, such as a bid. Settle it once. */
export interface Reservation {
  readonly account: string;
  readonly amount: number;
  /**
   * Spends up to the amount and releases the rest.
   *
   * @throws MettleError `ACCOUNT_RESERVATION_SETTLED`, `ACCOUNT_OVERDRAWN` for more than was reserved
   */
  commit(spent?: number): void;
  /** @throws MettleError `ACCOUNT_RESERVATION_SETTLED` */
  release(): void;
}

interface Account {
  limit: number;
  spent: number;
  reserved: number;
}

/** Accounts that cannot be overdrawn: spent and reserved together stay within the limit at every moment. */
export class Budgets {
  readonly #accounts = new Map<string, Account>();

  /** Opens the account, or changes its limit; one below what is spent leaves nothing available. */
  open(account: string, limit: number): void {
    refuseProblems("Budget", within("limit", limit, 0, Number.MAX_VALUE));
    const known = this.#accounts.get(account);
    if (known === undefined) this.#accounts.set(account, { limit, spent: 0, reserved: 0 });
    else known.limit = limit;
  }

  /** Open reservations of a closed account can still be settled. */
  close(account: string): void {
    this.#accounts.delete(account);
  }

  /** @throws MettleError `ACCOUNT_UNKNOWN` */
  of(account: string): AccountState {
    const { limit, spent, reserved } = this.#find(account);
    return { limit, spent, reserved, available: Math.max(0, limit - spent - reserved) };
  }

  /** @throws MettleError `ACCOUNT_UNKNOWN`, `ACCOUNT_OVERDRAWN`, `OPTIONS_INVALID` */
  spend(account: string, amount: number): void {
    this.reserve(account, amount).commit();
  }

  /** @throws MettleError `ACCOUNT_UNKNOWN`, `ACCOUNT_OVERDRAWN`, `OPTIONS_INVALID` */
  reserve(account: string, amount: number): Reservation {
    refuseProblems("Budget", within("amount", amount, 0, Number.MAX_VALUE));
    const found = this.#find(account);
    const { available } = this.of(account);
    if (amount > available) {
      throw economyErrors.create("ACCOUNT_OVERDRAWN", `${account} has ${available} left, ${amount} was asked for.`, {
        details: { account, available, amount },
      });
    }
    found.reserved += amount;
    return new OpenReservation(account, amount, found);
  }

  /** A new period: what was spent is forgotten, what is reserved stays. */
  renew(account: string): void {
    this.#find(account).spent = 0;
  }

  #find(account: string): Account {
    const found = this.#accounts.get(account);
    if (found === undefined) {
      throw economyErrors.create("ACCOUNT_UNKNOWN", `There is no account ${account}.`, { details: { account } });
    }
    return found;
  }
}

class OpenReservation implements Reservation {
  readonly account: string;
  readonly amount: number;
  readonly #of: Account;
  #settled = false;

  constructor(account: string, amount: number, of: Account) {
    this.account = account;
    this.amount = amount;
    this.#of = of;
  }

  commit(spent = this.amount): void {
    refuseProblems("Budget", within("spent", spent, 0, Number.MAX_VALUE));
    if (spent > this.amount) {
      throw economyErrors.create("ACCOUNT_OVERDRAWN", `${spent} is more than the ${this.amount} that were reserved.`, {
        details: { account: this.account, amount: this.amount, spent },
      });
    }
    this.release();
    this.#of.spent += spent;
  }

  release(): void {
    if (this.#settled) {
      throw economyErrors.create(
        "ACCOUNT_RESERVATION_SETTLED",
        `A reservation of ${this.account} was settled before.`,
        {
          details: { account: this.account, amount: this.amount },
        },
      );
    }
    this.#settled = true;
    this.#of.reserved -= this.amount;
  }
}
