import http from "k6/http";
import { check } from "k6";

export default function () {
  const page = http.get(`${__ENV.URL}/page`).html();
  const list = page.find("#list").get(0);
  check(list, {
    children: (e) => e.childElementCount === 3 && e.children.length === 3 && e.hasChildNodes(),
    "first and last": (e) => e.firstElementChild.textContent === "a" && e.lastElementChild.textContent === "c",
    siblings: (e) => e.firstElementChild.nextElementSibling.isSameNode(e.querySelector(".x")),
    back: (e) => e.lastElementChild.previousElementSibling.getAttributeNode("data-id").value === "2",
    "by class and tag": (e) => e.getElementsByClassName("x").length === 1 && e.getElementsByTagName("LI").length === 3,
    matches: (e) => e.matches("ul#list") && e.contains(e.querySelector("li")) && !e.querySelector("li").contains(e),
    equal: (e) => e.isEqualNode(page.find("ul").get(0)) && !e.isEqualNode(page.find("form").get(0)),
    "up again": (e) => e.querySelectorAll("li")[1].parentNode.isSameNode(e) && e.ownerDocument.nodeName === "#document",
    selection: (e) => e.selection().find("li").size() === 3,
  });
}
