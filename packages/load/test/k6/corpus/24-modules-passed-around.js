import http from "k6/http";
import * as k6 from "k6";

// A module as a value: wrapped, spread, looked up by a computed name, enumerated.
const client = {
  ...http,
  get: (path, params) => http.get(`${__ENV.URL}${path}`, params),
};
const verbs = Object.keys(http).filter((name) => ["get", "post", "put", "del"].includes(name));

export default function () {
  k6.check(client.get("/json"), { "through a wrapper": (r) => r.status === 200 });
  k6.check(client.post(`${__ENV.URL}/echo`, "x"), { "one that was spread": (r) => r.json("method") === "POST" });
  k6.check(verbs, { "all are there": (list) => list.length === 4 });
  for (const verb of verbs) {
    const answer = http[verb](`${__ENV.URL}/echo`);
    k6.check(answer, { [verb]: (r) => r.json("method") === (verb === "del" ? "DELETE" : verb.toUpperCase()) });
  }
  const env = { ...__ENV };
  __ENV.OWN = String(__VU);
  k6.check(env, { "a copy is a copy": (e) => (__ITER > 0 || e.OWN === undefined) && __ENV.OWN === String(__VU) });
}
