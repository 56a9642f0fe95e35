// Who gets what, and for how much: a second-price auction, bundles with prices that make the truth the best bid, and a budget.
// Prints:
//   gpu: ann for 60
//   bundles: bob [cpu gpu] pays 75, cat [disk] pays 0; truthful: true
//   ann has 40 left
import { Budgets, vcgAuction, vickreyAuction } from "@mettle/agents";

const outcome = vickreyAuction([
  { bidder: "ann", amount: 90 },
  { bidder: "bob", amount: 60 },
]);
if (outcome.state === "sold") console.log(`gpu: ${outcome.winner} for ${outcome.price}`);

const { winners, payments, truthful } = vcgAuction([
  { bidder: "ann", items: ["cpu"], amount: 40 },
  { bidder: "bob", items: ["cpu", "gpu"], amount: 100 },
  { bidder: "cat", items: ["disk"], amount: 20 },
  { bidder: "dan", items: ["gpu"], amount: 35 },
]);
const shown = winners.map(({ bidder, items }) => `${bidder} [${items.join(" ")}] pays ${payments.get(bidder)}`);
console.log(`bundles: ${shown.join(", ")}; truthful: ${truthful}`);

const budgets = new Budgets();
budgets.open("ann", 100);
const bid = budgets.reserve("ann", 90); // set aside while the auction runs
bid.commit(60); // the rest is free again
console.log(`ann has ${budgets.of("ann").available} left`);
