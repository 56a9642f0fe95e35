import http from "k6/http";
import { check } from "k6";

export default function () {
  const jar = http.cookieJar();
  jar.set(__ENV.URL, "session", "abc", { path: "/", max_age: 60 });
  const r = http.get(`${__ENV.URL}/echo`, { cookies: { extra: { value: "1", replace: true } } });
  check(r, { "cookies were sent": (x) => x.json("headers.cookie") === "session=abc; extra=1" });
  const set = http.get(`${__ENV.URL}/set-cookie/fresh`);
  check(set, { "cookie came": (x) => x.cookies.fresh[0].value === "1" });
  check(jar.cookiesForURL(__ENV.URL), { "is in the jar": (c) => c.fresh.length === 1 });
}
