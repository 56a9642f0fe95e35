import http from "k6/http";
import exec from "k6/execution";

export const options = {
  scenarios: {
    browse: {
      executor: "ramping-vus",
      startVUs: 0,
      stages: [{ duration: "1s", target: 2 }],
      gracefulRampDown: "0s",
      exec: "browse",
      tags: { area: "shop" },
    },
    buy: {
      executor: "constant-arrival-rate",
      rate: 5,
      timeUnit: "1s",
      duration: "1s",
      preAllocatedVUs: 2,
      maxVUs: 4,
      exec: "buy",
      env: { ITEM: "book" },
      startTime: "1s",
    },
    report: { executor: "shared-iterations", vus: 1, iterations: 2, maxDuration: "1m", exec: "report" },
  },
};

export function browse() {
  http.get(`${__ENV.URL}/page`);
}

export function buy() {
  http.post(`${__ENV.URL}/echo`, JSON.stringify({ item: __ENV.ITEM, by: exec.vu.idInTest }), {
    headers: { "Content-Type": "application/json" },
  });
}

export function report() {
  http.get(`${__ENV.URL}/json?scenario=${exec.scenario.name}`);
}
