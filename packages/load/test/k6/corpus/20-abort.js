import exec from "k6/execution";
import http from "k6/http";

export default function () {
  if (http.get(`${__ENV.URL}/status/500`).status === 500) exec.test.abort("the server is down");
}
