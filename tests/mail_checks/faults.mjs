// What html-validate finds in a mail. A rule is off only for a reason that stands beside it.

import { HtmlValidate, StaticConfigLoader } from "html-validate";

const validator = new HtmlValidate(
  new StaticConfigLoader({
    root: true,
    extends: ["html-validate:recommended"],
    rules: {
      "heading-level": "error", // whoever listens to a mail goes through it by its headings
      // Style sheets are moved into style attributes, as many clients keep nothing else.
      "no-inline-style": "off",
      // Outlook on Windows is told what only it needs in such comments; every other client skips them.
      "no-conditional-comment": "off",
      // Blanks at the ends of lines come from templates, and cost less than the care to avoid them.
      "no-trailing-whitespace": "off",
      // The templates write <br> and <meta>; css-inline writes what it reads.
      "void-style": "off",
    },
  }),
);

// Outlook on Windows lays tables out by these attributes, and not by CSS.
const LAYOUT = /^Attribute "(align|bgcolor|border|cellpadding|cellspacing|height|valign|width)" is deprecated on <(table|tr|td|th)>/;

/** Each fault as a line: where, which rule, what. */
export async function faultsOf(html) {
  const report = await validator.validateString(html);
  return report.results
    .flatMap((result) => result.messages)
    .filter(({ ruleId, message }) => !(ruleId === "no-deprecated-attr" && LAYOUT.test(message)))
    .map(({ line, column, ruleId, message }) => `${line}:${column} ${ruleId}: ${message}`);
}
