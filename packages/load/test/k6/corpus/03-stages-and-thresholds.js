import http from "k6/http";
import { Trend, Rate, Counter, Gauge } from "k6/metrics";

const waiting = new Trend("waiting_time", true);
const errors = new Rate("errors");
const calls = new Counter("calls");
const size = new Gauge("content_size");

export const options = {
  stages: [
    { duration: "10ms", target: 3 },
    { duration: "20ms", target: 3 },
    { duration: "10ms", target: 0 },
  ],
  thresholds: {
    http_req_duration: ["p(95)<500", { threshold: "p(99)<1500", abortOnFail: true, delayAbortEval: "10s" }],
    "http_req_duration{kind:static}": ["avg<400"],
    errors: ["rate<0.1"],
    calls: ["count>0"],
    content_size: ["value<4000"],
  },
};

export default () => {
  const r = http.get(`${__ENV.URL}/`, { tags: { kind: "static" } });
  waiting.add(r.timings.waiting);
  errors.add(r.status >= 400, { where: "home" });
  calls.add(1);
  size.add(r.body.length);
};
