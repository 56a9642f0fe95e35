import http from "k6/http";
import { check } from "k6";

http.setResponseCallback(http.expectedStatuses({ min: 200, max: 299 }, 404));

export default function () {
  check(http.get(`${__ENV.URL}/redirect/3`), { followed: (r) => r.status === 200 && r.url.endsWith("/echo") });
  check(http.get(`${__ENV.URL}/redirect/1`, { redirects: 0 }), { stopped: (r) => r.status === 302 });
  check(http.get(`${__ENV.URL}/status/404`), { expected: (r) => r.status === 404 && r.error_code === 1404 });
  check(http.get(`${__ENV.URL}/reset`), { failed: (r) => r.status === 0 && r.error_code !== 0 && r.error !== "" });
  check(http.get(`${__ENV.URL}/slow`, { timeout: 20 }), { "timed out": (r) => r.error_code === 1050 });
  check(http.get(`${__ENV.URL}/status/500`, { responseCallback: http.expectedStatuses(500) }), {
    own: (r) => r.status === 500,
  });
}
