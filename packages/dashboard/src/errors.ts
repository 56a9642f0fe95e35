import { defineErrors, type ErrorCatalogue, exitCodes } from "@mettle/core";

export type DashboardErrorCode = "DASHBOARD_ADDRESS_INVALID" | "DASHBOARD_ADDRESS_TAKEN";

export const dashboardErrors: ErrorCatalogue<DashboardErrorCode> = defineErrors({
  DASHBOARD_ADDRESS_INVALID: {
    next: "Write a port, or a host and a port: 7788, 127.0.0.1:7788, 0.0.0.0:7788, [::1]:7788.",
    exitCode: exitCodes.usage,
  },
  DASHBOARD_ADDRESS_TAKEN: {
    next: "Choose another port, 0 for any that is free, or end what listens there.",
    exitCode: exitCodes.usage,
  },
});
