// Logs in without leaving the page, so that a mistyped password does not cost what was typed.
// Without this script the form goes to the same address as any form does.
'use strict';

const form = document.getElementById('login');
const problem = document.getElementById('problem');
const button = form.querySelector('button');

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  button.disabled = true;
  problem.hidden = true;
  try {
    const token = document.querySelector('meta[name="csrf-token"]');
    const answer = await fetch(form.action, {
      method: 'POST',
      headers: {
        'Accept': 'application/json',
        'Content-Type': 'application/json',
        'X-CSRF-Token': token.content,
      },
      body: JSON.stringify({ name: form.elements.name.value, password: form.elements.password.value }),
    });
    if (answer.ok) {
      location.assign((await answer.json()).next);
      return;
    }
    say(await explain(answer));
  } catch {
    say('The site does not answer. Is there a connection?');
  }
  button.disabled = false;
  form.elements.password.select();
});

async function explain(answer) {
  if (answer.status === 401) return (await answer.json()).message;
  if (answer.status === 403) return 'This page has grown old. Please load it again.';
  if (answer.status === 503) return 'Too many people are logging in at once. Please try again in a moment.';
  return 'Something went wrong on our side (request ' + answer.headers.get('x-request-id') + ').';
}

function say(text) {
  document.querySelector('.good')?.remove();
  problem.textContent = text;
  problem.hidden = false;
}
