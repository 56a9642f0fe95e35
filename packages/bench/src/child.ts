import { brokenBy, failedReply } from "./child-blame.ts";
import { MeasuringProcess } from "./measuring-process.ts";
import type { Reply, Request } from "./protocol.ts";
import { redirectAuthoring } from "./redirect-authoring.ts";

// The program of a measuring process: requests come in, one reply goes out for each, and errors of nobody as they come.

redirectAuthoring();

const measuring = new MeasuringProcess();
let loading = false;
const send = (reply: Reply): void => {
  process.send?.(reply);
};
process.on("message", (request: Request) => {
  loading = request.type === "load";
  measuring.answer(request).then(
    (reply) => {
      loading = false;
      send(reply);
    },
    (error: unknown) => {
      loading = false;
      send(failedReply(error, request.type !== "load" ? "hook" : measuring.loadedBefore ? "reload" : "load"));
    },
  );
});
// The runner went away: nobody is left to answer.
process.on("disconnect", () => process.exit(0));
for (const event of ["uncaughtException", "unhandledRejection"] as const) {
  process.on(event, (error: unknown) => {
    send(brokenBy(error, loading));
  });
}
