// What a page that draws itself in a browser uses: nothing here, nor behind it, needs Node.
export { budgetBar } from "./html/charts/budget-bar.ts";
export { type HeatColumn, type HeatMap, heatMap } from "./html/charts/heat-map.ts";
export {
  type ChartLine,
  type LimitLine,
  limitLine,
  type PhaseBand,
  sparkChart,
  type TimeChart,
  timeChart,
  type TimeGap,
} from "./html/charts/time-chart.ts";
export { explanations, info } from "./html/glossary.ts";
export { type Content, html, Markup, nothing } from "./html/html.ts";
export { figureCell, name, scrollable } from "./html/sections/section.ts";
export { formatClock, formatShare } from "./text/quantities.ts";
