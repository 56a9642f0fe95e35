import { economyErrors } from "./errors.ts";

export interface Bid {
  readonly bidder: string;
  /** 0 or more. */
  readonly amount: number;
}

export type AuctionOutcome =
  | { readonly state: "sold"; readonly winner: string; readonly price: number }
  /** No bid reached the reserve. */
  | { readonly state: "unsold" };

export interface SealedBidOptions {
  /** The least the seller accepts. @defaultValue 0 */
  readonly reserve?: number;
}

/** @throws MettleError `AUCTION_BID_INVALID` */
export function checkAmount(bidder: string, amount: number): void {
  if (!(amount >= 0 && amount < Infinity)) {
    throw economyErrors.create("AUCTION_BID_INVALID", `${bidder} bids ${amount}.`, { details: { bidder, amount } });
  }
}

/**
 * First price: the highest bid wins and is paid; the earlier one among equals. Of a bidder's bids the highest counts.
 *
 * @throws MettleError `AUCTION_BID_INVALID`
 */
export function sealedBidAuction(bids: readonly Bid[], options: SealedBidOptions = {}): AuctionOutcome {
  const { best } = twoBest(bids, options);
  return best === undefined ? { state: "unsold" } : { state: "sold", winner: best.bidder, price: best.amount };
}

/**
 * Second price (Vickrey, Journal of Finance 1961): the highest bid wins and pays the best bid of another bidder, or the
 * reserve if that is more. To bid what the thing is worth is then best for everyone, whatever the others do.
 *
 * @throws MettleError `AUCTION_BID_INVALID`
 */
export function vickreyAuction(bids: readonly Bid[], options: SealedBidOptions = {}): AuctionOutcome {
  const { best, second } = twoBest(bids, options);
  if (best === undefined) return { state: "unsold" };
  return { state: "sold", winner: best.bidder, price: Math.max(second?.amount ?? 0, options.reserve ?? 0) };
}

/** The best bid at or over the reserve, and the best of anyone else. */
function twoBest(bids: readonly Bid[], { reserve = 0 }: SealedBidOptions): { best?: Bid; second?: Bid } {
  let best: Bid | undefined;
  let second: Bid | undefined;
  for (const bid of bids) {
    checkAmount(bid.bidder, bid.amount);
    if (bid.amount < reserve) continue;
    if (best === undefined || bid.amount > best.amount) {
      if (best !== undefined && best.bidder !== bid.bidder) second = best;
      best = bid;
    } else if (bid.bidder !== best.bidder && (second === undefined || bid.amount > second.amount)) {
      second = bid;
    }
  }
  return { ...(best && { best }), ...(second && { second }) };
}
