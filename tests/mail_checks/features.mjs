// Which features of HTML and CSS a mail uses, by the names that caniemail gives them (its slugs).
//
// Its data is taken as it is, but not its search: that one looks into no @media rule, takes max-width for width and
// <table> for <b>, and fails where a client was not tested. A feature that caniemail does not know gets a slug of the
// same pattern, so that it can't slip through.

import { parse as parseCss } from "@adobe/css-tools";
import { parse as parseSelector } from "css-what";
import { parseDocument } from "htmlparser2";

// In every browser and client since HTML 3.2, and not worth a page of caniemail's.
const PLAIN_ELEMENTS = "html head title meta a b br em i tr td th thead tbody tfoot caption cite sub sup u tt".split(" ");
const PLAIN_ATTRIBUTES =
  "alt bgcolor border charset class colspan content height href http-equiv id media name rowspan scope src style title type width xmlns".split(
    " ",
  );
const GROUPED_ELEMENTS = {
  "html-h1-h6": ["h1", "h2", "h3", "h4", "h5", "h6"],
  "html-lists": ["ul", "ol", "li", "dl", "dt", "dd"],
  "html-semantics":
    "article aside details figcaption figure footer header main mark nav section summary time".split(" "),
  "html-picture": ["picture", "source"],
  "html-image-maps": ["map", "area"],
};
const GROUPED_PROPERTIES = [
  [/^(padding|margin)-(top|right|bottom|left)$/, "$1"],
  [/^border-.+-radius$/, "border-radius"],
  [/^border-(top|right|bottom|left|width|style|color)(-.+)?$/, "border"],
  [/^(left|right|top|bottom)$/, "left-right-top-bottom"],
  [/^(row|column)-gap$/, "gap"],
];
const VALUES = [
  [/!important/, "important"],
  [/\binitial\b/, "unit-initial"],
  [/\b(fit|min|max)-content\b/, "intrinsic-size"],
  [/\b(system-ui|ui-serif|ui-sans-serif|ui-rounded|ui-monospace)\b/, "sytem-ui"], // sic
  [/\bvar\(/, "variables"],
  [/\bcalc\(/, "unit-calc"],
  [/\b(okl|l)(ch|ab)\(/, "modern-color"],
  [/\d%/, "unit-percent"],
];
const MEDIA = ["prefers-color-scheme", "prefers-reduced-motion", "hover", "orientation", "device-pixel-ratio"];
const COMBINATORS = {
  adjacent: "adjacent-sibling",
  child: "child",
  descendant: "descendant",
  sibling: "general-sibling",
  tag: "type",
  universal: "universal",
};

/** The slugs of what a mail uses, in order. */
export function featuresOf(html) {
  const used = new Set();
  inNode(parseDocument(html), used);
  return [...used].sort();
}

function inNode(node, used) {
  if (node.type === "directive") {
    used.add("html-doctype");
  } else if (node.type === "comment") {
    used.add("html-comments");
  } else if (node.name) {
    inElement(node, used);
  }
  for (const child of node.children ?? []) {
    inNode(child, used);
  }
}

function inElement({ name, attribs, children }, used) {
  const group = Object.entries(GROUPED_ELEMENTS).find(([, names]) => names.includes(name));
  if (group) {
    used.add(group[0]);
  } else if (name === "meta" && attribs.name === "color-scheme") {
    used.add("html-meta-color-scheme");
  } else if (!PLAIN_ELEMENTS.includes(name)) {
    used.add(`html-${name}`);
  }
  for (const [attribute, value] of Object.entries(attribs)) {
    inAttribute(name, attribute, value, used);
  }
  if (name === "style") {
    inRules(parseCss(children.map((child) => child.data).join("")).stylesheet.rules, used);
  }
}

function inAttribute(element, name, value, used) {
  if (name === "style") {
    const [rule] = parseCss(`x{${value}}`).stylesheet.rules;
    inDeclarations(rule?.declarations ?? [], used);
  } else if (name === "href" && value.startsWith("#")) {
    used.add("html-anchor-links");
  } else if (name === "href" && value.startsWith("mailto:")) {
    used.add("html-mailto-links");
  } else if (name === "srcset" || name === "sizes") {
    used.add("html-srcset");
    inAddress(value.split(/\s/)[0], used);
  } else if (name === "src") {
    inAddress(value, used);
  } else if ((name === "width" || name === "height") && element !== "meta") {
    used.add(`html-${name}`);
  } else if (!PLAIN_ATTRIBUTES.includes(name) && !name.startsWith("xmlns:")) {
    used.add(`html-${name}`);
  }
}

function inAddress(address, used) {
  if (address.startsWith("cid:")) {
    return; // a part of the message, whose subtype its header says
  }
  const inline = /^data:image\/([a-z]+)/.exec(address);
  const subtype = inline?.[1] ?? /\.([a-z]+)$/.exec(new URL(address, "https://example.org").pathname)?.[1];
  if (inline) {
    used.add("image-base64");
  }
  if (subtype) {
    used.add(`image-${subtype === "jpeg" ? "jpg" : subtype}`);
  }
}

function inRules(rules, used) {
  for (const rule of rules) {
    if (rule.type === "comment") {
      used.add("css-comments");
    } else if (rule.type === "rule") {
      rule.selectors.forEach((selector) => inSelector(selector, used));
      if (rule.selectors.length > 1) {
        used.add("css-selector-grouping");
      }
      inDeclarations(rule.declarations, used);
    } else {
      used.add(`css-at-${rule.type}`);
      MEDIA.filter((feature) => rule.media?.includes(feature)).forEach((feature) => used.add(`css-at-media-${feature}`));
      inRules(rule.rules ?? [], used);
    }
  }
}

function inSelector(selector, used) {
  for (const token of parseSelector(selector).flat()) {
    if (token.type === "attribute" && (token.name === "class" || token.name === "id")) {
      used.add(`css-selector-${token.name}`);
    } else if (token.type === "pseudo") {
      used.add(`css-pseudo-class-${token.name}`);
    } else if (token.type === "pseudo-element") {
      used.add(`css-pseudo-element-${token.name}`);
    } else {
      used.add(`css-selector-${COMBINATORS[token.type] ?? token.type}`);
    }
  }
  if (parseSelector(selector).some((tokens) => tokens.some(followsAClass))) {
    used.add("css-selector-chaining");
  }
}

function followsAClass(token, position, tokens) {
  return [token, tokens[position - 1]].every((each) => each?.type === "attribute" && each.name === "class");
}

function inDeclarations(declarations, used) {
  for (const { type, property, value } of declarations) {
    // What begins with mso- or -webkit- is for one client, and nothing to the others.
    if (type !== "declaration" || /^(mso-|-)/.test(property)) {
      continue;
    }
    const group = GROUPED_PROPERTIES.find(([pattern]) => pattern.test(property));
    used.add(`css-${group ? property.replace(group[0], group[1]) : property}`);
    inValue(property, value, used);
  }
}

function inValue(property, value, used) {
  VALUES.filter(([pattern]) => pattern.test(value)).forEach(([, slug]) => used.add(`css-${slug}`));
  for (const [, unit] of value.matchAll(/\d(ch|cm|em|ex|in|mm|pc|pt|px|rem|vh|vmax|vmin|vw)\b/g)) {
    used.add(`css-unit-${unit}`);
  }
  for (const [, name] of value.matchAll(/\b(rgba?|(?:linear|radial|conic)-gradient)\(/g)) {
    used.add(`css-${name}`);
  }
  for (const [, name] of value.matchAll(/\b(clamp|light-dark|max|min)\(/g)) {
    used.add(`css-function-${name}`);
  }
  if (property === "display" && ["flex", "grid", "none"].includes(value.replace(/\s*!important/, ""))) {
    used.add(`css-display-${value.replace(/\s*!important/, "")}`);
  }
}
