import http from "k6/http";
import { check } from "k6";

export default async function () {
  const [a, b] = await Promise.all([
    http.asyncRequest("GET", `${__ENV.URL}/`),
    http.asyncRequest("POST", `${__ENV.URL}/echo`, "x"),
  ]);
  check([a, b], { "both came": ([x, y]) => x.status === 200 && y.json("body") === "x" });
  const after = http.get(`${__ENV.URL}/json`);
  check(after, { "blocking among them": (r) => r.status === 200 });
  setTimeout(() => check(http.get(`${__ENV.URL}/`), { "in a timer": (r) => r.status === 200 }), 1);
}
