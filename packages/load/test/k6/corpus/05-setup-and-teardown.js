import http from "k6/http";
import { check } from "k6";

export function setup() {
  const token = http.post(`${__ENV.URL}/echo`, { user: "ann" }).json("method");
  return { token, items: [1, 2, 3] };
}

export default function (data) {
  const r = http.get(`${__ENV.URL}/echo`, { headers: { Authorization: `Bearer ${data.token}` } });
  check(r, { "token was sent": (x) => x.json("headers.authorization") === "Bearer POST" });
  for (const item of data.items) http.get(http.url`${__ENV.URL}/json?item=${item}`);
}

export function teardown(data) {
  http.del(`${__ENV.URL}/echo`, JSON.stringify(data));
}
