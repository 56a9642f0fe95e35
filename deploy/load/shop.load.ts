import { defineLoad } from "@mettle/load";

/** The load test that the manifests beside this file run; the address comes from `--env BASE_URL=…`. */
export default defineLoad({
  scenarios: {
    browse: {
      executor: "constant-arrival-rate",
      rate: 300,
      duration: "2m",
      preAllocatedVUs: 120,
      run: async (user) => {
        const response = await user.http.get(`${user.env["BASE_URL"]}/`);
        user.check(response, { "is 200": ({ status }) => status === 200 });
      },
    },
  },
  thresholds: {
    http_req_failed: "rate < 0.001",
    http_req_response_time: "p(95) < 300ms",
  },
});
