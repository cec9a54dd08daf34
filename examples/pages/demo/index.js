// The index works without this. It puts the name that the server goes by here in place of
// "localhost", and a button beside each line that is to be typed.

const HERE = location.hostname;

/** The texts of all that a person could copy or read as an address. */
function rename() {
  for (const code of document.querySelectorAll("code")) {
    const walker = document.createTreeWalker(code, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const { data } = walker.currentNode;
      const named = data.replaceAll("://localhost:", `://${HERE}:`);
      if (named !== data) walker.currentNode.data = named;
    }
  }
}

function addButton(line) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = "Copy";
  button.setAttribute("aria-label", `Copy ${line.textContent}`);
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(line.firstChild.textContent);
      button.textContent = "Copied";
    } catch {
      // Not every browser lets every page: it can be done by hand then.
      getSelection().selectAllChildren(line.firstChild);
      button.textContent = "Selected";
    }
  });
  line.append(button);
}

if (HERE && location.protocol.startsWith("http")) rename();
for (const line of document.querySelectorAll("pre")) addButton(line);
