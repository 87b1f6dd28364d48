// Elements without innerHTML: what a patient wrote can only ever become text.

const SVG = "http://www.w3.org/2000/svg";

const fill = (node, props, children) => {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
};

export const h = (tag, props, ...children) => fill(document.createElement(tag), props, children);
export const s = (tag, props, ...children) => fill(document.createElementNS(SVG, tag), props, children);
export const find = (selector, root = document) => root.querySelector(selector);
export const all = (selector, root = document) => [...root.querySelectorAll(selector)];

/** Text for a screen reader only. */
export const hidden = (text) => h("span", { class: "vh" }, text);

/** A person's name in its own direction and language, so that a right-to-left name can't turn the line around. */
export const nameOf = (person) => h("bdi", { dir: "auto", lang: person.language, class: "name" }, person.display_name ?? "Unnamed");

/** The form of a name that this page can say in a title or to a screen reader. */
export const plainName = (person) => person?.name_latin ?? person?.display_name ?? "this person";

/** The Latin form beside a name in another script. */
export const latinOf = (person) => person.name_latin && person.name_latin !== person.display_name && h("span", { class: "latin" }, person.name_latin);
