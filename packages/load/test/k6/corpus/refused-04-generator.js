import http from "k6/http";

function* pages() {
  for (let i = 0; i < 3; i++) yield http.get(`${__ENV.URL}/json?page=${i}`);
}

export default function () {
  for (const page of pages()) console.log(page.status);
}
