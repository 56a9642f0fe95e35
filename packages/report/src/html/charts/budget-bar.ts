import { formatShare } from "../../text/quantities.ts";
import { html, type Markup, round } from "../html.ts";

const WIDTH = 72;

/** How much of an allowance is used (S3-070): full at 100 %, and beyond that the part that is over, on a scale of its own. */
export function budgetBar(consumed: number): Markup {
  const over = consumed > 1;
  // Up to the allowance the bar fills two thirds; what is over it fills the rest as it nears ten times the allowance.
  const full = (WIDTH * 2) / 3;
  const within = Math.max(0, Math.min(1, consumed)) * full;
  const beyond = over ? Math.min(1, Math.log10(consumed)) * (WIDTH - full) : 0;
  return html`<svg class="budget ${over ? "over" : consumed > 0.8 ? "near" : "within"}" viewBox="0 0 ${WIDTH} 10" role="img" aria-label="${formatShare(consumed)} of the allowance used"><path class="room" d="M0 1h${full}v8h${-full}z"/><path class="used" d="M0 1h${round(within)}v8h${-round(within)}z"/>${over && html`<path class="beyond" d="M${full + 1} 1h${round(Math.max(3, beyond))}v8h${-round(Math.max(3, beyond))}z"/>`}<path class="axis" d="M${full} 0v10"/></svg>`;
}
