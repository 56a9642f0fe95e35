import { check, group, fail } from "k6";
import http from "k6/http";

export default function () {
  group("visitor", () => {
    group("home", function () {
      const home = http.get(`${__ENV.URL}/json`);
      const ok = check(home, {
        "status is 200": (r) => r.status === 200,
        "is JSON": (r) => r.headers["Content-Type"].includes("json"),
        "has list": (r) => r.json("list.#") === 2,
      });
      if (!ok) fail("home is broken");
    });
  });
}
