import http from "k6/http";
import { check, randomSeed, sleep } from "k6";
import { randomIntBetween, randomItem, uuidv4 } from "https://jslib.k6.io/k6-utils/1.4.0/index.js";
import { textSummary } from "https://jslib.k6.io/k6-summary/0.1.0/index.js";
import { URL } from "https://jslib.k6.io/url/1.0.0/index.js";

randomSeed(42);

export default function () {
  const url = new URL(`${__ENV.URL}/echo`);
  url.searchParams.append("id", uuidv4());
  url.searchParams.append("pick", randomItem(["a", "a"]));
  check(http.get(url.toString()), {
    "query sent": (r) => r.json("query.pick") === "a" && r.json("query.id").length === 36,
  });
  sleep(randomIntBetween(1, 2));
}

export function handleSummary(data) {
  return { stdout: textSummary(data, { indent: " ", enableColors: false }), "summary.json": JSON.stringify(data) };
}
