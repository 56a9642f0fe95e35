// A load test of one page: twenty requests a second, whatever becomes of the earlier ones.
//   mettle load examples/load/first.load.ts --env BASE_URL=http://127.0.0.1:3000
import { defineLoad } from "@mettle/load";

export default defineLoad({
  scenarios: {
    page: {
      rate: 20,
      duration: "2s",
      run: async (user) => {
        const response = await user.http.get(`${user.env["BASE_URL"]}/`);
        user.check(response, { "status is 200": ({ status }) => status === 200 });
      },
    },
  },
  thresholds: {
    http_req_response_time: "p(95) < 500ms",
    checks: "rate > 0.99",
  },
});
