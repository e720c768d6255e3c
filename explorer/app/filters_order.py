"""The order of a recipe's rules for the waterfall: a list that is dragged, or moved with two buttons a rule."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from explorer.app.filters_edit import in_order, order_text

_PREFIX = "order."  # of the parameter of the address, before the recipe's name
_KEY = "order-of-rules"
_HTML = "<ol></ol>"
_CSS = """
ol { list-style: none; margin: 0; padding: 0; font-family: var(--st-font); font-size: 0.9rem; }
li { display: flex; align-items: center; gap: 0.5rem; padding: 0.2rem 0.4rem; margin-bottom: 0.2rem; cursor: grab;
     color: var(--st-text-color); background: var(--st-secondary-background-color);
     border: 1px solid var(--st-border-color); border-radius: var(--st-base-radius); }
li.over { border-color: var(--st-primary-color); }
li.dragged { opacity: 0.4; }
.place { min-width: 1.4rem; text-align: right; opacity: 0.7; }
.name { flex: 1; overflow-wrap: anywhere; }
button { all: unset; cursor: pointer; padding: 0.1rem 0.5rem; border-radius: var(--st-base-radius); }
button:hover, button:focus-visible { background: var(--st-primary-color); color: white; }
button[disabled] { opacity: 0.25; pointer-events: none; }
"""
# names are set as text, never as markup
_JS = """
export default function (component) {
  const { data, setTriggerValue, parentElement } = component;
  const list = parentElement.querySelector("ol");
  const root = list.getRootNode();
  const focused = root.activeElement && root.activeElement.dataset ? root.activeElement.dataset.key : "";
  const order = data.order.slice();
  let dragged = -1;
  const move = (from, to) => {
    if (from === to || from < 0 || to < 0 || to >= order.length) return;
    order.splice(to, 0, order.splice(from, 1)[0]);
    setTriggerValue("order", order.join(","));
  };
  const button = (sign, direction, position, place) => {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = sign;
    made.dataset.key = direction + order[place];
    made.disabled = position < 0 || position >= order.length;
    made.setAttribute("aria-label", `Move ${data.names[order[place]]} ${direction}`);
    made.onclick = () => move(place, position);
    return made;
  };
  list.replaceChildren(...order.map((rule, place) => {
    const item = document.createElement("li");
    item.draggable = true;
    const number = document.createElement("span");
    number.className = "place";
    number.textContent = place + 1;
    const name = document.createElement("span");
    name.className = "name";
    name.textContent = data.names[rule];
    item.append(number, name, button("\\u2191", "up", place - 1, place), button("\\u2193", "down", place + 1, place));
    item.ondragstart = (event) => {
      dragged = place;
      item.classList.add("dragged");
      event.dataTransfer.effectAllowed = "move";
      event.dataTransfer.setData("text/plain", "");
    };
    item.ondragend = () => item.classList.remove("dragged");
    item.ondragover = (event) => { event.preventDefault(); item.classList.add("over"); };
    item.ondragleave = () => item.classList.remove("over");
    item.ondrop = (event) => { event.preventDefault(); item.classList.remove("over"); move(dragged, place); };
    return item;
  }));
  const again = focused && list.querySelector(`[data-key="${focused}"]`);
  if (again) (again.disabled ? list.querySelector("button:not([disabled])") : again).focus();
}
"""


def chosen_order(recipe: str, n_rules: int) -> list[int]:
    """Positions of a recipe's rules in the order that the address gives. Orders of other recipes leave the address."""
    own = f"{_PREFIX}{recipe}"
    for name in list(st.query_params):
        if name.startswith(_PREFIX) and name != own:
            del st.query_params[name]
    return in_order(n_rules, st.query_params.get(own, ""))


def show_order(recipe: str, names: Sequence[str], order: Sequence[int]) -> None:
    """The list; a new order goes into the address."""
    if len(names) < 2:
        return
    with st.expander("Order of the rules", type="compact", key="order"):
        st.caption("Drag a rule, or move it with its arrows. The waterfall follows, and what is taken in order.")
        mount = st.components.v2.component("corpus_explorer_order", html=_HTML, css=_CSS, js=_JS)
        mount(
            key=_KEY,
            data={"names": list(names), "order": list(order)},
            on_order_change=lambda: _take(recipe, len(names)),
        )
        if list(order) != sorted(order):
            st.button("The recipe's own order", key="order.reset", on_click=_put, args=(recipe, []))


def _take(recipe: str, n_rules: int) -> None:
    given = str(st.session_state[_KEY]["order"] or "")
    positions = [int(piece) for piece in given.split(",") if piece.isdigit()]
    if sorted(positions) == list(range(n_rules)):
        _put(recipe, positions)


def _put(recipe: str, order: Sequence[int]) -> None:
    text = order_text(order)
    name = f"{_PREFIX}{recipe}"
    if text:
        st.query_params[name] = text
    elif name in st.query_params:
        del st.query_params[name]
