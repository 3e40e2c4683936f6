// A page of an application that has a React of its own, as the documentation writes it. Its address says where the
// server is; the wrapper comes from there, built.
import * as React from 'react';
import { createRoot } from 'react-dom/client';

const server = new URLSearchParams(location.search).get('server');
const { chatstreamReact } = await import(/* @vite-ignore */ `${server}/chatstream/chatstream-react.js`);
const Chat = chatstreamReact(React);
const element = React.createElement;

function App() {
  const [shown, setShown] = React.useState(true);
  const [answers, setAnswers] = React.useState(0);
  const chat = element(Chat, {
    server: `${server}/api/v1`,
    heading: 'In React',
    className: 'chat',
    suggestions: ['Hello from React'],
    onAnswer: () => setAnswers((before) => before + 1),
  });
  return element(
    'main',
    null,
    element('button', { onClick: () => setShown(!shown) }, 'Show or hide'),
    element('output', null, `${answers} answers`),
    shown ? chat : null,
  );
}

createRoot(document.getElementById('root')).render(element(React.StrictMode, null, element(App)));
