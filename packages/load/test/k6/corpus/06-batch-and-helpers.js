import http from "k6/http";
import { check } from "k6";

// Helpers that block, called through others, in callbacks and with defaults.
const api = {
  base: __ENV.URL,
  get(path, params = {}) {
    return http.get(this.base + path, params);
  },
  all(paths) {
    return paths.map((path) => this.get(path).status);
  },
};

function retry(times, action) {
  for (let i = 0; i < times; i++) {
    const result = action(i);
    if (result.status === 200) return result;
  }
  return null;
}

export default function () {
  const responses = http.batch([
    ["GET", `${__ENV.URL}/`, null, { tags: { kind: "html" } }],
    { method: "POST", url: `${__ENV.URL}/echo`, body: { a: "b" } },
    `${__ENV.URL}/json`,
  ]);
  check(responses[1], { "form was sent": (r) => r.json("body") === "a=b" });
  const named = http.batch({ front: `${__ENV.URL}/`, data: { method: "GET", url: `${__ENV.URL}/json` } });
  check(named, { both: (r) => r.front.status === 200 && r["data"].status === 200 });
  check(api.all(["/", "/json"]), { "all fetched": (list) => list.every((status) => status === 200) });
  check(
    retry(3, (i) => http.get(`${__ENV.URL}/status/${i < 2 ? 503 : 200}`)),
    { "third try": (r) => r !== null },
  );
}
