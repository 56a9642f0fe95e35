import http from "k6/http";
import exec from "k6/execution";
import { check } from "k6";

export const options = {
  tags: { build: "7" },
  systemTags: ["status", "method", "url", "name", "group", "check", "scenario"],
  discardResponseBodies: true,
  userAgent: "corpus/1.0",
  noConnectionReuse: true,
};

export default function () {
  exec.vu.metrics.tags["phase"] = "warm";
  const r = http.get(`${__ENV.URL}/echo`, { tags: { name: "echo" }, responseType: "text" });
  check(r, { "agent sent": (x) => x.json("headers.user-agent") === "corpus/1.0" });
  check(http.get(`${__ENV.URL}/`), { "no body": (x) => x.body === null }, { extra: "1" });
}
