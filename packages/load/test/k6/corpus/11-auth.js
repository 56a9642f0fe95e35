import http from "k6/http";
import encoding from "k6/encoding";
import { check } from "k6";

export default function () {
  const address = __ENV.URL.replace("http://", "http://me:secret@");
  const expected = `Basic ${encoding.b64encode("me:secret")}`;
  check(http.get(`${address}/echo`), { basic: (r) => r.json("headers.authorization") === expected });
  check(http.get(`${address}/digest`, { auth: "digest" }), { digest: (r) => r.status === 200 });
}
