// The smallest test: a request and a pause.
import http from "k6/http";
import { sleep } from "k6";

export const options = { vus: 2, duration: "1s" };

export default function () {
  http.get(`${__ENV.URL}/`);
  sleep(1);
}
