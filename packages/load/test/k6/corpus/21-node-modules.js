// What k6 cannot: modules of Node and npm.
import { createHash } from "node:crypto";
import http from "k6/http";
import { check } from "k6";

export default function () {
  const digest = createHash("sha1").update("x").digest("hex");
  check(http.get(`${__ENV.URL}/echo?d=${digest}`), { sent: (r) => r.json("query.d") === digest });
}
