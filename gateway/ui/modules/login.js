// What a link to the login brings along behind its #.
//
//   <form action="/login" data-login>   with the fields token, code and next
//   /login#CODE     the demo prints it: the code is good once, so that it goes out of the address and is sent at once
//   /login#L120     the lines of a log that somebody was on the way to

export function start() {
  const form = document.querySelector("form[data-login]");
  const brought = location.hash.slice(1);
  if (!form || !brought) return;
  if (/^L\d+(-L?\d+)?$/.test(brought)) {
    form.elements.next.value += "#" + brought;
    return;
  }
  if (!/^[\w-]{43}$/.test(brought)) return;
  history.replaceState(null, "", location.pathname + location.search);
  form.elements.code.value = brought;
  form.noValidate = true;
  form.submit();
}
