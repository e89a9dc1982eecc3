// Finds what a person would find by its role and its name, in the page of the window, or in a part of it.
const [role, name, withinRole, withinName] = arguments;
const kinds = {
  button: "button:not([role]), summary, [role=button]",
  checkbox: "input[type=checkbox], [role=checkbox], [role=switch]",
  dialog: "dialog[open], [role=dialog], [role=alertdialog]",
  field: "input:not([type=checkbox]):not([type=radio]), textarea, select, [role=combobox], [role=textbox]",
  group: "fieldset, section, [role=group], [role=radiogroup], [role=region]",
  heading: "h1, h2, h3, h4, [role=heading]",
  link: "a[href], [role=link]",
  menuitem: "[role=menuitem], [role=menuitemradio]",
  option: "option, [role=option]",
  radio: "input[type=radio], [role=radio]",
  row: "tr, li, [role=row], [role=listitem], article",
  tab: "[role=tab]",
};
const plain = (text) => (text ?? "").replace(/\s+/g, " ").trim();
const said = (element) => {
  const copy = element.cloneNode(true);
  copy.querySelectorAll("[aria-hidden=true]").forEach((hidden) => hidden.remove());
  return plain(copy.textContent);
};
const named = (element) => {
  const by = element.getAttribute("aria-labelledby");
  if (by) return plain(by.split(/\s+/).map((id) => document.getElementById(id)?.textContent).join(" "));
  const label = element.getAttribute("aria-label");
  if (label) return plain(label);
  if (element.labels?.length) return plain([...element.labels].map(said).join(" "));
  const text = element.matches("input, textarea, select") ? "" : said(element);
  return text || plain(element.getAttribute("title") ?? element.getAttribute("placeholder"));
};
const shown = (element) => element.checkVisibility({ visibilityProperty: true }) && !element.closest("[inert]");
const find = (root, role, name) => {
  const all = [...root.querySelectorAll(kinds[role])].filter(shown);
  return all.find((element) => named(element) === name) ?? all.find((element) => named(element).includes(name));
};
const within = withinRole ? find(document, withinRole, withinName) : document;
return (within && find(within, role, name)) ?? null;
