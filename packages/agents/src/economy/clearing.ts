import { checkAmount } from "./sealed-bid.ts";
import { economyErrors } from "./errors.ts";

/** Wants or has `quantity` of something, at `price` a unit or better. */
export interface Order {
  readonly trader: string;
  readonly price: number;
  readonly quantity: number;
}

export interface Fill {
  readonly trader: string;
  readonly quantity: number;
}

export interface Clearing {
  readonly volume: number;
  /** What everyone pays and gets a unit: the middle of the prices that clear the market; absent without trade. */
  readonly price: number | undefined;
  readonly bought: readonly Fill[];
  readonly sold: readonly Fill[];
}

/**
 * Clears a market at one price: the largest volume that buyers and sellers agree on. The best prices are served first, the
 * earlier among equals; the last one served may get a part.
 *
 * @throws MettleError `AUCTION_BID_INVALID`
 */
export function clearMarket(bids: readonly Order[], asks: readonly Order[]): Clearing {
  for (const { trader, price, quantity } of [...bids, ...asks]) {
    checkAmount(trader, price);
    if (!(quantity > 0 && quantity < Infinity)) {
      throw economyErrors.create("AUCTION_BID_INVALID", `${trader} orders ${quantity} units.`, {
        details: { trader, quantity },
      });
    }
  }
  const demand = [...bids].sort((a, b) => b.price - a.price);
  const supply = [...asks].sort((a, b) => a.price - b.price);
  const bought: Fill[] = [];
  const sold: Fill[] = [];
  let [i, j, volume] = [0, 0, 0];
  let [wanted, offered] = [demand[0]?.quantity ?? 0, supply[0]?.quantity ?? 0];
  let [lastBid, lastAsk] = [0, 0];
  while (i < demand.length && j < supply.length && demand[i]!.price >= supply[j]!.price) {
    const bid = demand[i]!;
    const ask = supply[j]!;
    const traded = Math.min(wanted, offered);
    volume += traded;
    add(bought, i, bid.trader, traded);
    add(sold, j, ask.trader, traded);
    [lastBid, lastAsk] = [bid.price, ask.price];
    wanted -= traded;
    offered -= traded;
    if (wanted === 0) wanted = demand[++i]?.quantity ?? 0;
    if (offered === 0) offered = supply[++j]?.quantity ?? 0;
  }
  if (volume === 0) return { volume, price: undefined, bought: [], sold: [] };
  // At the price nobody who was left out may want to trade: not under the next bid, not over the next ask.
  const low = Math.max(lastAsk, demand[i]?.price ?? 0);
  const high = Math.min(lastBid, supply[j]?.price ?? Infinity);
  return { volume, price: (low + high) / 2, bought, sold };
}

/** One fill for each order, whatever it was made of. */
function add(fills: Fill[], order: number, trader: string, quantity: number): void {
  fills[order] = { trader, quantity: (fills[order]?.quantity ?? 0) + quantity };
}
