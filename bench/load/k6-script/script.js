// A k6 script as people write them: a group, two checks, a counter of its own, a helper function.
import http from "k6/http";
import { check, group } from "k6";
import { Counter } from "k6/metrics";

const answered = new Counter("answered");

function fetchPage(path) {
  const response = http.get(`${__ENV.TARGET}${path}`);
  answered.add(1);
  return response;
}

export default function () {
  group("front page", () => {
    const response = fetchPage("");
    check(response, {
      "status is 200": (r) => r.status === 200,
      "body is there": (r) => r.body.length > 10,
    });
  });
}
