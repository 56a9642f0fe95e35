export { type DashboardErrorCode, dashboardErrors } from "./errors.ts";
export { serveHistory } from "./history/history-server.ts";
export { HistorySite, type HistorySource } from "./history/history-site.ts";
export { LiveServer, type LiveServerOptions } from "./live/live-server.ts";
export {
  type LiveAbout,
  type LiveAgents,
  type LiveMoment,
  type LiveRule,
  type LiveSecond,
  type LiveSpending,
  slotOf,
  slotsPerDoubling,
} from "./live/moment.ts";
export { type Address, LOOPBACK, parseAddress } from "./server/address.ts";
export { WebServer } from "./server/web-server.ts";
