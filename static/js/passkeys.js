/* Passkeys: asks the device, and sends its answer with the form. Without this file password and code work as ever. */
"use strict";

(() => {
  if (!window.PublicKeyCredential) return;

  const bytes = (text) =>
    Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (sign) => sign.charCodeAt(0));

  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer)))
      .replace(/\+/g, "-")
      .replace(/\//g, "_")
      .replace(/=+$/, "");

  const listed = (credentials) => (credentials || []).map((each) => ({ ...each, id: bytes(each.id) }));

  const asked = async (form, address) => {
    const body = new FormData();
    body.set("csrf_token", form.elements.csrf_token.value);
    const answer = await fetch(address, { method: "POST", body });
    if (!answer.ok) throw new Error("refused");
    const options = await answer.json();
    options.challenge = bytes(options.challenge);
    options.excludeCredentials = listed(options.excludeCredentials);
    options.allowCredentials = listed(options.allowCredentials);
    return options;
  };

  const make = async (options) => {
    options.user.id = bytes(options.user.id);
    delete options.allowCredentials;
    const made = await navigator.credentials.create({ publicKey: options });
    return {
      rawId: text(made.rawId),
      type: made.type,
      clientExtensionResults: {},
      response: {
        clientDataJSON: text(made.response.clientDataJSON),
        attestationObject: text(made.response.attestationObject),
      },
    };
  };

  const show = async (options) => {
    delete options.excludeCredentials;
    const shown = await navigator.credentials.get({ publicKey: options });
    return {
      rawId: text(shown.rawId),
      type: shown.type,
      clientExtensionResults: {},
      response: {
        clientDataJSON: text(shown.response.clientDataJSON),
        authenticatorData: text(shown.response.authenticatorData),
        signature: text(shown.response.signature),
        userHandle: shown.response.userHandle ? text(shown.response.userHandle) : null,
      },
    };
  };

  // A page with several forms has several of these script tags.
  document.querySelectorAll("[data-passkey][hidden]").forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const { form } = button;
      const note = form.querySelector("[data-passkey-note]");
      button.disabled = true;
      note.hidden = true;
      try {
        const options = await asked(form, button.dataset.passkey);
        const answer = await (options.user ? make(options) : show(options));
        form.elements[button.dataset.field].value = JSON.stringify(answer);
        HTMLFormElement.prototype.submit.call(form);
      } catch {
        // Also where the person closed the device's own window: nothing happened.
        note.hidden = false;
        button.disabled = false;
      }
    });
  });
})();
