var ChatStreamBundle=(function(e){Object.defineProperty(e,Symbol.toStringTag,{value:`Module`});var t=Object.defineProperty,n=(e,t,n)=>()=>{if(n)throw n[0];try{return e&&(t=e(e=0)),t}catch(e){throw n=[e],e}},r=(e,n)=>{let r={};for(var i in e)t(r,i,{get:e[i],enumerable:!0});return n||t(r,Symbol.toStringTag,{value:`Module`}),r},i=globalThis,a=i.ShadowRoot&&(i.ShadyCSS===void 0||i.ShadyCSS.nativeShadow)&&`adoptedStyleSheets`in Document.prototype&&`replace`in CSSStyleSheet.prototype,o=Symbol(),s=new WeakMap,c=class{constructor(e,t,n){if(this._$cssResult$=!0,n!==o)throw Error("CSSResult is not constructable. Use `unsafeCSS` or `css` instead.");this.cssText=e,this.t=t}get styleSheet(){let e=this.o,t=this.t;if(a&&e===void 0){let n=t!==void 0&&t.length===1;n&&(e=s.get(t)),e===void 0&&((this.o=e=new CSSStyleSheet).replaceSync(this.cssText),n&&s.set(t,e))}return e}toString(){return this.cssText}},l=e=>new c(typeof e==`string`?e:e+``,void 0,o),u=(e,...t)=>new c(e.length===1?e[0]:t.reduce((t,n,r)=>t+(e=>{if(!0===e._$cssResult$)return e.cssText;if(typeof e==`number`)return e;throw Error(`Value passed to 'css' function must be a 'css' function result: `+e+`. Use 'unsafeCSS' to pass non-literal values, but take care to ensure page security.`)})(n)+e[r+1],e[0]),e,o),d=(e,t)=>{if(a)e.adoptedStyleSheets=t.map(e=>e instanceof CSSStyleSheet?e:e.styleSheet);else for(let n of t){let t=document.createElement(`style`),r=i.litNonce;r!==void 0&&t.setAttribute(`nonce`,r),t.textContent=n.cssText,e.appendChild(t)}},f=a?e=>e:e=>e instanceof CSSStyleSheet?(e=>{let t=``;for(let n of e.cssRules)t+=n.cssText;return l(t)})(e):e,{is:p,defineProperty:m,getOwnPropertyDescriptor:h,getOwnPropertyNames:g,getOwnPropertySymbols:_,getPrototypeOf:v}=Object,y=globalThis,b=y.trustedTypes,x=b?b.emptyScript:``,S=y.reactiveElementPolyfillSupport,C=(e,t)=>e,w={toAttribute(e,t){switch(t){case Boolean:e=e?x:null;break;case Object:case Array:e=e==null?e:JSON.stringify(e)}return e},fromAttribute(e,t){let n=e;switch(t){case Boolean:n=e!==null;break;case Number:n=e===null?null:Number(e);break;case Object:case Array:try{n=JSON.parse(e)}catch{n=null}}return n}},ee=(e,t)=>!p(e,t),te={attribute:!0,type:String,converter:w,reflect:!1,useDefault:!1,hasChanged:ee};Symbol.metadata??=Symbol(`metadata`),y.litPropertyMetadata??=new WeakMap;var T=class extends HTMLElement{static addInitializer(e){this._$Ei(),(this.l??=[]).push(e)}static get observedAttributes(){return this.finalize(),this._$Eh&&[...this._$Eh.keys()]}static createProperty(e,t=te){if(t.state&&(t.attribute=!1),this._$Ei(),this.prototype.hasOwnProperty(e)&&((t=Object.create(t)).wrapped=!0),this.elementProperties.set(e,t),!t.noAccessor){let n=Symbol(),r=this.getPropertyDescriptor(e,n,t);r!==void 0&&m(this.prototype,e,r)}}static getPropertyDescriptor(e,t,n){let{get:r,set:i}=h(this.prototype,e)??{get(){return this[t]},set(e){this[t]=e}};return{get:r,set(t){let a=r?.call(this);i?.call(this,t),this.requestUpdate(e,a,n)},configurable:!0,enumerable:!0}}static getPropertyOptions(e){return this.elementProperties.get(e)??te}static _$Ei(){if(this.hasOwnProperty(C(`elementProperties`)))return;let e=v(this);e.finalize(),e.l!==void 0&&(this.l=[...e.l]),this.elementProperties=new Map(e.elementProperties)}static finalize(){if(this.hasOwnProperty(C(`finalized`)))return;if(this.finalized=!0,this._$Ei(),this.hasOwnProperty(C(`properties`))){let e=this.properties,t=[...g(e),..._(e)];for(let n of t)this.createProperty(n,e[n])}let e=this[Symbol.metadata];if(e!==null){let t=litPropertyMetadata.get(e);if(t!==void 0)for(let[e,n]of t)this.elementProperties.set(e,n)}this._$Eh=new Map;for(let[e,t]of this.elementProperties){let n=this._$Eu(e,t);n!==void 0&&this._$Eh.set(n,e)}this.elementStyles=this.finalizeStyles(this.styles)}static finalizeStyles(e){let t=[];if(Array.isArray(e)){let n=new Set(e.flat(1/0).reverse());for(let e of n)t.unshift(f(e))}else e!==void 0&&t.push(f(e));return t}static _$Eu(e,t){let n=t.attribute;return!1===n?void 0:typeof n==`string`?n:typeof e==`string`?e.toLowerCase():void 0}constructor(){super(),this._$Ep=void 0,this.isUpdatePending=!1,this.hasUpdated=!1,this._$Em=null,this._$Ev()}_$Ev(){this._$ES=new Promise(e=>this.enableUpdating=e),this._$AL=new Map,this._$E_(),this.requestUpdate(),this.constructor.l?.forEach(e=>e(this))}addController(e){(this._$EO??=new Set).add(e),this.renderRoot!==void 0&&this.isConnected&&e.hostConnected?.()}removeController(e){this._$EO?.delete(e)}_$E_(){let e=new Map,t=this.constructor.elementProperties;for(let n of t.keys())this.hasOwnProperty(n)&&(e.set(n,this[n]),delete this[n]);e.size>0&&(this._$Ep=e)}createRenderRoot(){let e=this.shadowRoot??this.attachShadow(this.constructor.shadowRootOptions);return d(e,this.constructor.elementStyles),e}connectedCallback(){this.renderRoot??=this.createRenderRoot(),this.enableUpdating(!0),this._$EO?.forEach(e=>e.hostConnected?.())}enableUpdating(e){}disconnectedCallback(){this._$EO?.forEach(e=>e.hostDisconnected?.())}attributeChangedCallback(e,t,n){this._$AK(e,n)}_$ET(e,t){let n=this.constructor.elementProperties.get(e),r=this.constructor._$Eu(e,n);if(r!==void 0&&!0===n.reflect){let i=(n.converter?.toAttribute===void 0?w:n.converter).toAttribute(t,n.type);this._$Em=e,i==null?this.removeAttribute(r):this.setAttribute(r,i),this._$Em=null}}_$AK(e,t){let n=this.constructor,r=n._$Eh.get(e);if(r!==void 0&&this._$Em!==r){let e=n.getPropertyOptions(r),i=typeof e.converter==`function`?{fromAttribute:e.converter}:e.converter?.fromAttribute===void 0?w:e.converter;this._$Em=r;let a=i.fromAttribute(t,e.type);this[r]=a??this._$Ej?.get(r)??a,this._$Em=null}}requestUpdate(e,t,n,r=!1,i){if(e!==void 0){let a=this.constructor;if(!1===r&&(i=this[e]),n??=a.getPropertyOptions(e),!((n.hasChanged??ee)(i,t)||n.useDefault&&n.reflect&&i===this._$Ej?.get(e)&&!this.hasAttribute(a._$Eu(e,n))))return;this.C(e,t,n)}!1===this.isUpdatePending&&(this._$ES=this._$EP())}C(e,t,{useDefault:n,reflect:r,wrapped:i},a){n&&!(this._$Ej??=new Map).has(e)&&(this._$Ej.set(e,a??t??this[e]),!0!==i||a!==void 0)||(this._$AL.has(e)||(this.hasUpdated||n||(t=void 0),this._$AL.set(e,t)),!0===r&&this._$Em!==e&&(this._$Eq??=new Set).add(e))}async _$EP(){this.isUpdatePending=!0;try{await this._$ES}catch(e){Promise.reject(e)}let e=this.scheduleUpdate();return e!=null&&await e,!this.isUpdatePending}scheduleUpdate(){return this.performUpdate()}performUpdate(){if(!this.isUpdatePending)return;if(!this.hasUpdated){if(this.renderRoot??=this.createRenderRoot(),this._$Ep){for(let[e,t]of this._$Ep)this[e]=t;this._$Ep=void 0}let e=this.constructor.elementProperties;if(e.size>0)for(let[t,n]of e){let{wrapped:e}=n,r=this[t];!0!==e||this._$AL.has(t)||r===void 0||this.C(t,void 0,n,r)}}let e=!1,t=this._$AL;try{e=this.shouldUpdate(t),e?(this.willUpdate(t),this._$EO?.forEach(e=>e.hostUpdate?.()),this.update(t)):this._$EM()}catch(t){throw e=!1,this._$EM(),t}e&&this._$AE(t)}willUpdate(e){}_$AE(e){this._$EO?.forEach(e=>e.hostUpdated?.()),this.hasUpdated||(this.hasUpdated=!0,this.firstUpdated(e)),this.updated(e)}_$EM(){this._$AL=new Map,this.isUpdatePending=!1}get updateComplete(){return this.getUpdateComplete()}getUpdateComplete(){return this._$ES}shouldUpdate(e){return!0}update(e){this._$Eq&&=this._$Eq.forEach(e=>this._$ET(e,this[e])),this._$EM()}updated(e){}firstUpdated(e){}};T.elementStyles=[],T.shadowRootOptions={mode:`open`},T[C(`elementProperties`)]=new Map,T[C(`finalized`)]=new Map,S?.({ReactiveElement:T}),(y.reactiveElementVersions??=[]).push(`2.1.2`);var ne=globalThis,re=e=>e,E=ne.trustedTypes,ie=E?E.createPolicy(`lit-html`,{createHTML:e=>e}):void 0,D=`$lit$`,O=`lit$${Math.random().toFixed(9).slice(2)}$`,ae=`?`+O,oe=`<${ae}>`,k=document,A=()=>k.createComment(``),j=e=>e===null||typeof e!=`object`&&typeof e!=`function`,M=Array.isArray,N=e=>M(e)||typeof e?.[Symbol.iterator]==`function`,P=`[ 	
\f\r]`,se=/<(?:(!--|\/[^a-zA-Z])|(\/?[a-zA-Z][^>\s]*)|(\/?$))/g,ce=/-->/g,le=/>/g,F=RegExp(`>|${P}(?:([^\\s"'>=/]+)(${P}*=${P}*(?:[^ \t\n\f\r"'\`<>=]|("|')|))|$)`,`g`),ue=/'/g,de=/"/g,fe=/^(?:script|style|textarea|title)$/i,pe=e=>(t,...n)=>({_$litType$:e,strings:t,values:n}),I=pe(1),L=pe(2),R=Symbol.for(`lit-noChange`),z=Symbol.for(`lit-nothing`),me=new WeakMap,B=k.createTreeWalker(k,129);function he(e,t){if(!M(e)||!e.hasOwnProperty(`raw`))throw Error(`invalid template strings array`);return ie===void 0?t:ie.createHTML(t)}var ge=(e,t)=>{let n=e.length-1,r=[],i,a=t===2?`<svg>`:t===3?`<math>`:``,o=se;for(let t=0;t<n;t++){let n=e[t],s,c,l=-1,u=0;for(;u<n.length&&(o.lastIndex=u,c=o.exec(n),c!==null);)u=o.lastIndex,o===se?c[1]===`!--`?o=ce:c[1]===void 0?c[2]===void 0?c[3]!==void 0&&(o=F):(fe.test(c[2])&&(i=RegExp(`</`+c[2],`g`)),o=F):o=le:o===F?c[0]===`>`?(o=i??se,l=-1):c[1]===void 0?l=-2:(l=o.lastIndex-c[2].length,s=c[1],o=c[3]===void 0?F:c[3]===`"`?de:ue):o===de||o===ue?o=F:o===ce||o===le?o=se:(o=F,i=void 0);let d=o===F&&e[t+1].startsWith(`/>`)?` `:``;a+=o===se?n+oe:l>=0?(r.push(s),n.slice(0,l)+D+n.slice(l)+O+d):n+O+(l===-2?t:d)}return[he(e,a+(e[n]||`<?>`)+(t===2?`</svg>`:t===3?`</math>`:``)),r]},_e=class e{constructor({strings:t,_$litType$:n},r){let i;this.parts=[];let a=0,o=0,s=t.length-1,c=this.parts,[l,u]=ge(t,n);if(this.el=e.createElement(l,r),B.currentNode=this.el.content,n===2||n===3){let e=this.el.content.firstChild;e.replaceWith(...e.childNodes)}for(;(i=B.nextNode())!==null&&c.length<s;){if(i.nodeType===1){if(i.hasAttributes())for(let e of i.getAttributeNames())if(e.endsWith(D)){let t=u[o++],n=i.getAttribute(e).split(O),r=/([.?@])?(.*)/.exec(t);c.push({type:1,index:a,name:r[2],strings:n,ctor:r[1]===`.`?xe:r[1]===`?`?Se:r[1]===`@`?Ce:be}),i.removeAttribute(e)}else e.startsWith(O)&&(c.push({type:6,index:a}),i.removeAttribute(e));if(fe.test(i.tagName)){let e=i.textContent.split(O),t=e.length-1;if(t>0){i.textContent=E?E.emptyScript:``;for(let n=0;n<t;n++)i.append(e[n],A()),B.nextNode(),c.push({type:2,index:++a});i.append(e[t],A())}}}else if(i.nodeType===8){if(i.data===ae)c.push({type:2,index:a});else{let e=-1;for(;(e=i.data.indexOf(O,e+1))!==-1;)c.push({type:7,index:a}),e+=O.length-1}}a++}}static createElement(e,t){let n=k.createElement(`template`);return n.innerHTML=e,n}};function V(e,t,n=e,r){if(t===R)return t;let i=r===void 0?n._$Cl:n._$Co?.[r],a=j(t)?void 0:t._$litDirective$;return i?.constructor!==a&&(i?._$AO?.(!1),a===void 0?i=void 0:(i=new a(e),i._$AT(e,n,r)),r===void 0?n._$Cl=i:(n._$Co??=[])[r]=i),i!==void 0&&(t=V(e,i._$AS(e,t.values),i,r)),t}var ve=class{constructor(e,t){this._$AV=[],this._$AN=void 0,this._$AD=e,this._$AM=t}get parentNode(){return this._$AM.parentNode}get _$AU(){return this._$AM._$AU}u(e){let{el:{content:t},parts:n}=this._$AD,r=(e?.creationScope??k).importNode(t,!0);B.currentNode=r;let i=B.nextNode(),a=0,o=0,s=n[0];for(;s!==void 0;){if(a===s.index){let t;s.type===2?t=new ye(i,i.nextSibling,this,e):s.type===1?t=new s.ctor(i,s.name,s.strings,this,e):s.type===6&&(t=new we(i,this,e)),this._$AV.push(t),s=n[++o]}a!==s?.index&&(i=B.nextNode(),a++)}return B.currentNode=k,r}p(e){let t=0;for(let n of this._$AV)n!==void 0&&(n.strings===void 0?n._$AI(e[t]):(n._$AI(e,n,t),t+=n.strings.length-2)),t++}},ye=class e{get _$AU(){return this._$AM?._$AU??this._$Cv}constructor(e,t,n,r){this.type=2,this._$AH=z,this._$AN=void 0,this._$AA=e,this._$AB=t,this._$AM=n,this.options=r,this._$Cv=r?.isConnected??!0}get parentNode(){let e=this._$AA.parentNode,t=this._$AM;return t!==void 0&&e?.nodeType===11&&(e=t.parentNode),e}get startNode(){return this._$AA}get endNode(){return this._$AB}_$AI(e,t=this){e=V(this,e,t),j(e)?e===z||e==null||e===``?(this._$AH!==z&&this._$AR(),this._$AH=z):e!==this._$AH&&e!==R&&this._(e):e._$litType$===void 0?e.nodeType===void 0?N(e)?this.k(e):this._(e):this.T(e):this.$(e)}O(e){return this._$AA.parentNode.insertBefore(e,this._$AB)}T(e){this._$AH!==e&&(this._$AR(),this._$AH=this.O(e))}_(e){this._$AH!==z&&j(this._$AH)?this._$AA.nextSibling.data=e:this.T(k.createTextNode(e)),this._$AH=e}$(e){let{values:t,_$litType$:n}=e,r=typeof n==`number`?this._$AC(e):(n.el===void 0&&(n.el=_e.createElement(he(n.h,n.h[0]),this.options)),n);if(this._$AH?._$AD===r)this._$AH.p(t);else{let e=new ve(r,this),n=e.u(this.options);e.p(t),this.T(n),this._$AH=e}}_$AC(e){let t=me.get(e.strings);return t===void 0&&me.set(e.strings,t=new _e(e)),t}k(t){M(this._$AH)||(this._$AH=[],this._$AR());let n=this._$AH,r,i=0;for(let a of t)i===n.length?n.push(r=new e(this.O(A()),this.O(A()),this,this.options)):r=n[i],r._$AI(a),i++;i<n.length&&(this._$AR(r&&r._$AB.nextSibling,i),n.length=i)}_$AR(e=this._$AA.nextSibling,t){for(this._$AP?.(!1,!0,t);e!==this._$AB;){let t=re(e).nextSibling;re(e).remove(),e=t}}setConnected(e){this._$AM===void 0&&(this._$Cv=e,this._$AP?.(e))}},be=class{get tagName(){return this.element.tagName}get _$AU(){return this._$AM._$AU}constructor(e,t,n,r,i){this.type=1,this._$AH=z,this._$AN=void 0,this.element=e,this.name=t,this._$AM=r,this.options=i,n.length>2||n[0]!==``||n[1]!==``?(this._$AH=Array(n.length-1).fill(new String),this.strings=n):this._$AH=z}_$AI(e,t=this,n,r){let i=this.strings,a=!1;if(i===void 0)e=V(this,e,t,0),a=!j(e)||e!==this._$AH&&e!==R,a&&(this._$AH=e);else{let r=e,o,s;for(e=i[0],o=0;o<i.length-1;o++)s=V(this,r[n+o],t,o),s===R&&(s=this._$AH[o]),a||=!j(s)||s!==this._$AH[o],s===z?e=z:e!==z&&(e+=(s??``)+i[o+1]),this._$AH[o]=s}a&&!r&&this.j(e)}j(e){e===z?this.element.removeAttribute(this.name):this.element.setAttribute(this.name,e??``)}},xe=class extends be{constructor(){super(...arguments),this.type=3}j(e){this.element[this.name]=e===z?void 0:e}},Se=class extends be{constructor(){super(...arguments),this.type=4}j(e){this.element.toggleAttribute(this.name,!!e&&e!==z)}},Ce=class extends be{constructor(e,t,n,r,i){super(e,t,n,r,i),this.type=5}_$AI(e,t=this){if((e=V(this,e,t,0)??z)===R)return;let n=this._$AH,r=e===z&&n!==z||e.capture!==n.capture||e.once!==n.once||e.passive!==n.passive,i=e!==z&&(n===z||r);r&&this.element.removeEventListener(this.name,this,n),i&&this.element.addEventListener(this.name,this,e),this._$AH=e}handleEvent(e){typeof this._$AH==`function`?this._$AH.call(this.options?.host??this.element,e):this._$AH.handleEvent(e)}},we=class{constructor(e,t,n){this.element=e,this.type=6,this._$AN=void 0,this._$AM=t,this.options=n}get _$AU(){return this._$AM._$AU}_$AI(e){V(this,e)}},Te={M:D,P:O,A:ae,C:1,L:ge,R:ve,D:N,V,I:ye,H:be,N:Se,U:Ce,B:xe,F:we},Ee=ne.litHtmlPolyfillSupport;Ee?.(_e,ye),(ne.litHtmlVersions??=[]).push(`3.3.3`);var De=(e,t,n)=>{let r=n?.renderBefore??t,i=r._$litPart$;if(i===void 0){let e=n?.renderBefore??null;r._$litPart$=i=new ye(t.insertBefore(A(),e),e,void 0,n??{})}return i._$AI(e),i},Oe=globalThis,H=class extends T{constructor(){super(...arguments),this.renderOptions={host:this},this._$Do=void 0}createRenderRoot(){let e=super.createRenderRoot();return this.renderOptions.renderBefore??=e.firstChild,e}update(e){let t=this.render();this.hasUpdated||(this.renderOptions.isConnected=this.isConnected),super.update(e),this._$Do=De(t,this.renderRoot,this.renderOptions)}connectedCallback(){super.connectedCallback(),this._$Do?.setConnected(!0)}disconnectedCallback(){super.disconnectedCallback(),this._$Do?.setConnected(!1)}render(){return R}};H._$litElement$=!0,H.finalized=!0,Oe.litElementHydrateSupport?.({LitElement:H});var ke=Oe.litElementPolyfillSupport;ke?.({LitElement:H}),(Oe.litElementVersions??=[]).push(`4.2.2`);function Ae(e){return Object.fromEntries(Object.entries(e).filter(([,e])=>e!=null))}function je(e,t){return Object.fromEntries(Object.entries(e).map(([e,n])=>[e,t(n)]))}function Me(e,t,n){let r=e.length-t;if(e.done||r<0)return e;let i=0,a=0;for(let e of n)r-->0?i+=e.length:a++;return a?{...e,text:e.text+n.slice(i),length:e.length+a}:e}function Ne(e,t=0){return{user_chat_id:e,status:`open`,position:t,event_id:null,from:t,caught_up:!1,events:[],answers:{},intents:{},intent:null,turns:{},turn:null,components:{}}}function Pe(e,t){return Fe(Ne(e,t[0]?t[0].position-1:0),t)}function Fe(e,t){let n=e,r,i=e=>{n={...n,...e}},a=(t,r,a)=>{n[t]===e[t]&&i({[t]:{...e[t]}}),n[t][r]=Ae(a)},o=t=>{if(t.user_chat_id===e.user_chat_id)switch(t.type){case`opened`:return s(t);case`caught_up`:return i({caught_up:!0});case`resync`:return r=void 0,i(Ne(t.user_chat_id));case`delta`:return n.turn&&c(t);default:`event_id`in t&&t.position===n.position+1&&l(t)}},s=({user_chat_id:e,from:t,status:o,intent:s,turn:c,resumable:l})=>{(!n.events.length||t>n.position)&&(r=void 0,i({...Ne(e,t),turn:c}));let u=n.intents;for(let e of[...l,s])e&&!u[e.user_intent_id]&&a(`intents`,e.user_intent_id,e);i({status:o,intent:n.intent??s?.user_intent_id??null})},c=({message_id:e,offset:t,text:r=``})=>{let i=n.answers[e]??{...Ie,done:!1},o=Me(i,t,r);o!==i&&a(`answers`,e,o)},l=e=>{r??=[...n.events],r.push(e),i({events:r,position:e.position,event_id:e.event_id}),u(e);let t=n.intents[e.user_intent_id];if(t&&!Le(e)){let{timestamp:n,session_id:r=t.session_id}=e;a(`intents`,t.user_intent_id,{...t,session_id:r,last_activity_at:n})}},u=e=>{let t=n.intents[e.user_intent_id];switch(e.type){case`chat`:return e.status===`opened`||d(e);case`turn`:return f(e);case`intent`:return p(e);case`partial`:return c(e);case`response`:return g(e,t);case`component`:return _(e,t);case`component_submitted`:return v(e)}},d=e=>{let{status:t,position:a,event_id:o,user_chat_id:s}=e;t===`erased`?(r=[e],i({...Ne(s,a-1),caught_up:n.caught_up,position:a,event_id:o,events:r,status:t})):(i({status:`closed`}),b(()=>!0,`chat_closed`))},f=({caused_by:e=``,status:t,attempt:r,retry_of:o,user_intent_id:s})=>{let c=n.turns[e],l=t===`started`||t===`restarted`;a(`turns`,e,{caused_by:e,status:l?`running`:t,attempt:r,retry_of:o??c?.retry_of,user_intent_id:s??c?.user_intent_id}),i({turn:l?{message_id:e,attempt:r}:null,answers:t===`restarted`?je(n.answers,()=>Ie):{}})},p=e=>{let{user_intent_id:t=``,status:r,slots:o}=e,s=n.intents[t]??m(t,e),c=r===`active`;a(`intents`,t,{...s,status:r,name:e.name??s.name,slots:o?Ae({...s.slots,...o}):s.slots,reason:c?void 0:e.reason,question:r===`complete`?void 0:s.question}),r===`complete`&&b(e=>e.user_intent_id===t,r),i({intent:c?t:h()})},m=(e,{timestamp:t,caused_by:r,status:i})=>{let a=n.turns[r]?.retry_of??r??``;return{user_intent_id:e,status:i,title:[...n.events.findLast(e=>e.message_id===a)?.content??``].slice(0,80).join(``),created_at:t,last_activity_at:t}},h=()=>{let e=({status:e,created_at:t})=>(e===`active`?`a`:``)+t;return Object.values(n.intents).reduce((t,n)=>e(n)>=e(t)?n:t).user_intent_id},g=({message_id:e,follow_up:t,content:n=``},r)=>{a(`answers`,e,Ie),y(r,t?{text:n}:void 0)},_=(e,t)=>{let{component_id:n,user_intent_id:r,title:i}=e,o=t?.question;b(e=>e.user_intent_id===r,`superseded`),a(`components`,n,{component_id:n,user_intent_id:r,status:`open`});let s=o&&!o.component_id?o.text:i;y(t,s?{text:s,component_id:n}:void 0)},v=({component_id:e,values:t})=>{a(`components`,e,{...n.components[e],component_id:e,status:`submitted`,values:t})},y=(e,t)=>{e&&a(`intents`,e.user_intent_id,{...e,question:t})},b=(e,t)=>{i({components:je(n.components,n=>n.status===`open`&&e(n)?{...n,status:`closed`,reason:t}:n)})};return[t].flat().forEach(o),n}var Ie={text:``,length:0,done:!0};function Le({reason:e,status:t}){return e===`idle`||t===`expired`}var Re=({WebSocket:e},t,n)=>{let r=new e(`${t.replace(/^http/,`ws`)}/chat/ws/chat`);return r.onopen=n.ready,r.onmessage=({data:e})=>n.frames([JSON.parse(e)].flat()),r.onclose=({code:e})=>n.closed(e),{send:e=>r.send(JSON.stringify(e)),close(){r.onopen=r.onmessage=r.onclose=null,r.close()}}},ze=r({dialEvents:()=>Be,messages:()=>Ue});function Be(e,t,n,r){let{fetch:i,WebSocket:a}=e,o=new Map,s,c=!1,l=e=>{c||(u(),n.closed(e))},u=()=>{c=!0,clearTimeout(f);for(let e of o.values())e.abort()},d=e=>void e.catch(()=>l(We)),f=setTimeout(()=>{if(!a)return;let n=r(e,t,{ready(){n.close(),l()},frames:Boolean,closed:Boolean})},Ke),p=async(e,n)=>{let r={...n.headers,...s&&{Authorization:`Bearer ${s}`}},a=await i(t+e,{...n,headers:r});return a.status===401&&l(Ge),a},m=(e,t)=>p(e,{method:`POST`,headers:{"Content-Type":`application/json`},body:JSON.stringify(t)}),h=(...e)=>c||n.frames(e),g=async()=>{let e=await(s?p(`/chats?limit=1`,{}):m(`/visitors`,{}));if(!e.ok)return l(e.status===401?Ge:We);let t=s?{}:await e.json();s??=t.token,h({type:`welcome`,socket_connection_id:``,user_id:``,heartbeat_seconds:20,limits:{max_frame_bytes:1/0,max_content_bytes:1/0},server_time:new Date().toISOString(),...t})},_=async e=>{let t=e.user_chat_id,n=new AbortController;o.get(t)?.abort(),o.set(t,n);let r=await m(`/chats`,{user_chat_id:t}),i=await r.json();if(!r.ok)return void h(He(e,r,i));let a=i.position,s=e.after??Math.max(0,a-(e.last??a));if(s>a)return v(e,`unknown_position`);h({...i,type:`opened`,id:e.id,created:r.status===201,from:s}),await y(e,s,n).catch(e=>{if(!n.signal.aborted)throw e})},v=(e,t)=>{h({type:`resync`,user_chat_id:e.user_chat_id,reason:t});let{after:n,after_event:r,...i}=e;return _(i)},y=async(e,t,n)=>{let r=e.after_event&&t>0,i=`/chats/${e.user_chat_id}/events?after=${r?t-1:t}`,a=await p(i,{headers:{Accept:`text/event-stream`},signal:n.signal});if(!a.ok||!a.body)return l(We);for await(let i of Ue(a.body)){if(n.signal.aborted)return;let a=i.find(e=>`event_id`in e&&e.position===t),o=r&&a&&`event_id`in a&&a.event_id!==e.after_event,s=i.find(e=>e.type===`resync`);if(o||s)return n.abort(),v(e,`event_mismatch`);h(...i)}n.signal.aborted||l(We)},b=async e=>{let{type:t,user_chat_id:n,...r}=e,i=await m(Ve(e),r),a=await i.json();h(i.ok?{...a,type:`ack`}:He(e,i,a))};return queueMicrotask(()=>c||n.ready()),{send:e=>{switch(e.type){case`hello`:return s=e.token,d(g());case`auth`:s=e.token;return;case`open`:return d(_(e));case`leave`:return o.get(e.user_chat_id)?.abort();case`ping`:return;default:return d(b(e))}},close:u}}function Ve(e){let t=`/chats/${e.user_chat_id}`;switch(e.type){case`send`:return`${t}/messages`;case`submit`:return`${t}/components/${e.component_id}`;case`resume`:case`abandon`:return`/intents/${e.user_intent_id}/${e.type}`;default:return`${t}/${e.type}`}}function He(e,t,{code:n,detail:r,details:i}){if(!n)throw TypeError(`not an answer of this server: something stands between`);let a=Number(t.headers.get(`Retry-After`));return{type:`rejected`,id:e.id??null,user_chat_id:e.user_chat_id,code:n,message:r,...a&&{retry_after:a},...i&&{details:i}}}async function*Ue(e){let t=e.getReader(),n=new TextDecoder,r=``;for(;;){let{done:e,value:i}=await t.read();if(e)return;let a=(r+n.decode(i,{stream:!0})).split(`

`);r=a.pop(),yield a.flatMap(e=>e.split(`
`)).filter(e=>e.startsWith(`data:`)).map(e=>JSON.parse(e.slice(5)))}}var We,Ge,Ke,qe=n((()=>{We=1006,Ge=4401,Ke=5e3})),Je=250,Ye=1e4,Xe=5e3,Ze=8e3,Qe=1e4,$e=3e3,et=6e4,tt=6e4,nt=2**31-1,rt=1006;function it(e){return Math.random()*Math.min(Ye,Je*2**e)}function at(e,t){let{environment:n,url:r,tokens:i,idleCloseMs:a,saidKey:o}=e,s={status:`idle`},c,l=0,u=!1,d=!1,f=!1,p=!1,m=-1/0,h=0,g=0,_=0,v={},y=e=>{s=e,t.changed()},b=e=>clearTimeout(v[e]),x=(e,t,n)=>{b(e),v[e]=setTimeout(n,Math.min(t,nt))},S=()=>{l++,Object.values(v).forEach(clearTimeout),c?.close(),c=void 0},C=e=>c?.send(e),w=async()=>{S();let e=l;d=!1,y({status:`connecting`});try{let t=await i.current();if(e!==l)return;x(`dial`,Ze,O);let a=p&&await Promise.resolve().then(()=>(qe(),ze));if(e!==l)return;let o={ready:()=>C({type:`hello`,protocol:`chatstream.v1`,token:t,batch:!0}),frames:ee,closed:D};c=a?a.dialEvents(n,r,o,Re):Re(n,r,o)}catch{e===l&&O()}},ee=e=>{b(`probe`);for(let t of e)t.type===`welcome`&&te(t),t.type===`drain`&&(g=t.retry_after_ms);d&&x(`watch`,_,()=>O(0)),t.frames(e)},te=e=>{let n=!d;d=!0,b(`dial`),i.keep(e.token),T(e),_=(2*e.heartbeat_seconds+5)*1e3,n&&t.welcome(e)},T=({token_expires_at:e,server_time:t})=>{if(!e||!i.fromHost)return;let n=Date.parse(e)-Date.parse(t);x(`renew`,Math.max(n/2,n-tt,1e3),async()=>{let e=l;i.forget();let t=await i.current().catch(()=>void 0);t&&e===l&&C({type:`auth`,token:t})})},ne=()=>{b(`settled`),y({status:`catching_up`})},re=()=>{s.status!==`live`&&(y({status:`live`}),x(`settled`,Xe,()=>{h=0,f=!1}))},E=()=>{a&&x(`rest`,a,()=>t.mayRest()?ie():E())},ie=()=>{S(),y({status:`idle`})},D=(e,n)=>{if(S(),t.lost(e),e===4401)return ae();if([4400,1002,1007].includes(e))return P(`protocol`);if(e===4410&&t.mayRest())return ie();d&&e||oe(),k(n??(e===4429?et:g+it(h)))},O=e=>D(rt,e),ae=()=>{if(i.forget(),f)return P(`unauthenticated`);f=!0,w()},oe=()=>{let e=Date.now(),t=!p&&e-m<=Qe;m=t?-1/0:e,p=t},k=e=>{let t=++h;g=0,x(`retry`,e,w),y({status:n.online()?`waiting`:`offline`,retry_at:Date.now()+e,attempt:t})},A=()=>{if(u&&s.status!==`connecting`){if(!c)return void w();C({type:`ping`}),x(`probe`,$e,()=>O(0))}},j=e=>{let{key:t}=e;n.visible()&&(!t||t===o&&!c)&&A()},M=e=>{u=e;for(let t of[`online`,`offline`,`visibilitychange`,`pageshow`,`storage`])n.page?.[e?`addEventListener`:`removeEventListener`](t,j)},N=()=>{u&&s.status!==`idle`||(M(!0),f=!1,w())},P=(e=`left`)=>{M(!1),S(),y({status:`closed`,reason:e})};return{state:()=>s,connect:N,disconnect:P,wake:A,drop:O,send:C,catchingUp:ne,caughtUp:re,active:E}}function ot(){let{document:e,navigator:t,window:n,WebSocket:r}=globalThis;return{WebSocket:r,fetch:fetch.bind(globalThis),local:st(`localStorage`),session:st(`sessionStorage`),page:n,online:()=>t?.onLine!==!1,visible:()=>!e?.hidden}}function st(e){return{getItem:t=>ct(()=>globalThis[e].getItem(t)),setItem:(t,n)=>void ct(()=>globalThis[e].setItem(t,n))}}function ct(e){try{return e()}catch{return null}}function lt(){return[...crypto.getRandomValues(new Uint32Array(4))].map(e=>e.toString(36)).join(``)}var ut=50,dt=6e5;function ft(e,t,n){let{user:r=``,items:i=[]}=JSON.parse(e.getItem(t)??`{}`),a=a=>{i=a,e.setItem(t,JSON.stringify({user:r,items:i.filter(e=>e.status!==`sent`)})),n()},o=e=>{let t=i.map(e);t.some((e,t)=>e!==i[t])&&a(t)},s=e=>{let t=i.filter(e);t.length<i.length&&a(t)},c=()=>o(e=>e.status===`waiting`&&e.made_at+dt<=Date.now()?{...e,status:`failed`,error:{code:`expired`,message:``}}:e),l=()=>o(e=>e.status===`sending`?{...e,status:`waiting`}:e);return l(),c(),{items:()=>i,first:e=>i.find(t=>t.status===e),add(e){let t=i.length<ut;return t&&a([...i,{command:e,status:`waiting`,made_at:Date.now()}]),t},update:(e,t)=>o(n=>n.command.id===e?Ae({...n,...t}):n),discard:e=>s(t=>t.command.id!==e),unanswered:l,settle:(e,t)=>s(({command:n,status:r,position:i=0})=>r===`sent`?n.user_chat_id===e.user_chat_id&&i>e.position:!t.some(e=>e.message_id===n.id)),belongsTo(e){let t=r&&e&&e!==r;r=e||r,t&&a([])},move:(e,t)=>o(n=>n.command.user_chat_id===e?{...n,command:{...n.command,user_chat_id:t}}:n),expire:c}}function pt(e,t,n){let r,i=(i=``)=>{r=i||void 0,n||e.setItem(t,i)};return{fromHost:!!n,current:async()=>r??=(n?await n():e.getItem(t))||void 0,keep:e=>e&&i(e),forget:()=>i()}}var mt=r({before:()=>vt,chats:()=>_t,prepend:()=>yt,request:()=>ht});async function ht(e,t,n,r){let i=await e.identity.current();return e.environment.fetch(e.url+n,{method:t,headers:{"Content-Type":`application/json`,...i&&{Authorization:`Bearer ${i}`}},body:r===void 0?null:JSON.stringify(r)})}async function gt(e,t){let n=await ht(e,`GET`,t);if(!n.ok)throw Error(`${n.status} for ${t}`);return(await n.json()).items}function _t(e,t=50){return gt(e,`/chats?limit=${t}`)}function vt(e,t,n=bt){let{user_chat_id:r,from:i}=t,a=Math.max(0,i-Math.min(n,bt));return i?gt(e,`/chats/${r}/events?after=${a}&limit=${i-a}`):[]}function yt(e,t,n){let r=t.at(-1);if(r?.position!==e.from||r.user_chat_id!==e.user_chat_id)return e;let{from:i,turns:a,components:o,intents:s,...c}=n(e.user_chat_id,[...t,...e.events]);return{...e,events:c.events,from:i,turns:a,components:o,intents:{...e.intents,...Object.fromEntries(Object.entries(s).filter(([,{title:e}])=>e))}}}var bt,xt=n((()=>{bt=200})),St=[`unavailable`,`overloaded`,`rate_limited`],Ct=1,wt=3e4,Tt=function(e){return Et(e)};function Et(e={}){let{getToken:t,last:n=200,idleCloseMs:r=0}=e,i={...ot(),...e.environment},a=new URL(e.url??`/api/v1`,globalThis.location?.href).href.replace(/\/$/,``),o=`chatstream:${a}:`,s=`${o}chat`,c=`${o}said`,l=new Set,u,d=!!e.chat,f=!1,p=0,m,h,g=()=>{u=void 0,l.forEach(e=>e())},_=e=>e.user_chat_id===k.user_chat_id,v=()=>N.state().status,y=e=>{k=e,M.settle(k,[]),b(),g()},b=()=>i.local.setItem(s,k.user_chat_id),x=()=>u??={connection:N.state(),chat:k,outbox:M.items().filter(e=>_(e.command))},S=()=>{let{user_chat_id:e,position:t,event_id:r}=k;f=!0,N.catchingUp();for(let t of new Set(M.items().map(e=>e.command.user_chat_id)))t!==e&&(C(t,{last:0}),w(t));C(e,r?{after:t,after_event:r}:{last:n})},C=(e,t)=>N.send({type:`open`,id:e,user_chat_id:e,...t}),w=e=>N.send({type:`leave`,user_chat_id:e}),ee=e=>{let t=k;k=Fe(t,e),e.forEach(te);let n=e.filter(e=>`event_id`in e&&_(e));M.settle(k,n),k!==t&&(N.active(),g()),!f&&n.some(e=>e.position>k.position)&&S(),D()},te=e=>{switch(e.type){case`opened`:_(e)&&(f=!1);return;case`caught_up`:_(e)&&!f&&N.caughtUp();return;case`ack`:return p=0,M.update(e.id,{status:`sent`,position:e.position});case`rejected`:return T(e)}},T=({id:e,code:t,message:n,details:r,retry_after:i})=>{let a=St.includes(t);if(e===k.user_chat_id)return ne(a);a&&ae(i);for(let{command:i}of M.items())(e===i.id||e===i.user_chat_id)&&(a?M.update(i.id,{status:`waiting`}):O(i.id,t,n,r))},ne=e=>{if(e)return N.drop();if(d)return N.disconnect(`not_found`);let t=lt();M.move(k.user_chat_id,t),y(Pe(t,[])),S()},re=e=>{clearTimeout(h),f=!1;let t=M.first(`sending`);e===1009&&t&&O(t.command.id,`too_large`,``),M.unanswered(),M.expire()},E=e=>{let t=lt(),n=M.add({...e,id:t,user_chat_id:k.user_chat_id});return ie(),n?t:null},ie=()=>{N.active(),D(),v()===`idle`&&P.connect()},D=()=>{if(m||v()!==`live`||M.first(`sending`))return;M.expire();let e=M.first(`waiting`);if(!e)return;let{id:t}=e.command;M.update(t,{status:`sending`}),N.send(e.command),clearTimeout(h),h=setTimeout(()=>M.first(`sending`)&&N.drop(),wt),i.local.setItem(c,t)},O=(e,t,n,r)=>M.update(e,{status:`failed`,error:{code:t,message:n,details:r}}),ae=(e=Ct)=>{clearTimeout(m),m=setTimeout(()=>{m=void 0,D()},e*1e3+it(p++))},oe=()=>Promise.resolve().then(()=>(xt(),mt)),k=Pe(e.chat||i.local.getItem(s)||lt(),[]),A=pt(i.local,`${o}token`,t),j={url:a,environment:i,identity:A},M=ft(i.session,`${o}outbox`,g),N=at({environment:i,url:a,tokens:A,idleCloseMs:r,saidKey:c},{changed:g,welcome(e){M.belongsTo(e.user_id),S()},frames:ee,lost:re,mayRest:()=>!k.turn&&!M.first(`waiting`)&&!M.first(`sending`)}),P={url:a,get state(){return N.state()},get chat(){return k},get events(){return k.events},get intents(){return Object.values(k.intents)},get outbox(){return x().outbox},get snapshot(){return x()},subscribe(e){return l.add(e),()=>l.delete(e)},connect(){b(),N.connect()},disconnect(){clearTimeout(m),m=void 0,re(),N.disconnect()},retryNow:N.wake,open(e=lt(),{events:t=[]}={}){let n=[`live`,`catching_up`].includes(v());return n&&e!==k.user_chat_id&&w(k.user_chat_id),d=!0,y(Pe(e,t)),n&&S(),v()===`closed`&&P.connect(),e},send:(e,t)=>E({type:`send`,content:e,...t}),submit:(e,t)=>E({type:`submit`,component_id:e,values:t}),stop:()=>E({type:`cancel`,turn:k.turn?.message_id}),retry:e=>E({type:`retry`,message_id:e}),resume:e=>E({type:`resume`,user_intent_id:e}),abandon:e=>E({type:`abandon`,user_intent_id:e}),close:()=>E({type:`close`}),resend(e){M.update(e,{status:`waiting`,made_at:Date.now(),error:void 0}),ie()},discard:M.discard,async loadEarlier(e){let{before:t,prepend:n}=await oe(),r=await t(j,k,e);return y(n(k,r,Pe)),k.from>0},chats:async e=>(await oe()).chats(j,e),request:async(...e)=>(await oe()).request(j,...e)};return P}var Dt=new Map;function Ot(e,t,n){let r=`${t} ${JSON.stringify(n)}`,i=Dt.get(r)??new Intl.DateTimeFormat(t,n);return Dt.set(r,i),i.format(new Date(e))}function kt(e,t){return Ot(e,t,{hour:`2-digit`,minute:`2-digit`})}function At(e,t){return Ot(e,t,{dateStyle:`full`,timeStyle:`short`})}function jt(e){let t=new Date(e),n=e=>String(e).padStart(2,`0`);return`${t.getFullYear()}-${n(t.getMonth()+1)}-${n(t.getDate())}`}function Mt(e,t,n){let r=jt(e);if(r===jt(new Date(n).toISOString()))return t.get(`today`);let i=new Date(n);if(i.setDate(i.getDate()-1),r===jt(i.toISOString()))return t.get(`yesterday`);let a=new Date(e).getFullYear()===new Date(n).getFullYear()?void 0:`numeric`;return Ot(e,t.locale,{weekday:`long`,day:`numeric`,month:`long`,year:a})}var Nt=[[`year`,31536e3],[`month`,2592e3],[`week`,604800],[`day`,86400],[`hour`,3600],[`minute`,60]];function Pt(e,t,n){let r=Math.max(0,(n-Date.parse(e))/1e3),i=new Intl.RelativeTimeFormat(t,{numeric:`auto`});for(let[e,t]of Nt)if(r>=t)return i.format(-Math.floor(r/t),e);return i.format(0,`second`)}function Ft(e,t){let n=e=>new Intl.NumberFormat(t.locale,{maximumFractionDigits:1}).format(e);if(e<995)return t.get(`milliseconds`,{count:n(Math.round(e))});if(e<59950)return t.get(`seconds`,{count:n(e/1e3)});let r=Math.round(e/1e3);return t.get(`minutes`,{minutes:n(Math.floor(r/60)),seconds:n(r%60)})}function U(e){let t=e.replace(/([a-z\d])([A-Z])/g,`$1 $2`).replace(/[_\-.]+/g,` `).trim().toLowerCase();return t.charAt(0).toUpperCase()+t.slice(1)}var It=/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/;function Lt(e,t){return e===!0?t.get(`form_yes`):e===!1?t.get(`form_no`):e==null||e===``?t.get(`form_not_given`):Array.isArray(e)?e.map(e=>Lt(e,t)).join(`, `):typeof e==`string`&&It.test(e)&&!Number.isNaN(Date.parse(e))?Ot(e,t.locale,{dateStyle:`medium`,timeStyle:`short`}):typeof e==`object`?Object.entries(e).map(([e,n])=>`${U(e)}: ${Lt(n,t)}`).join(`, `):String(e)}var Rt=300,zt=5e3;function Bt(e,t){let n=t.position-e.position;return n>0?t.events.slice(-n):[]}function Vt(e,t,n,r){if(!e.caught_up||e.user_chat_id!==t.user_chat_id)return null;let i=Bt(e,t),a=i.flatMap(e=>e.type===`response`?[e.content??``]:[]);if(a.length>0)return Ht(a.join(`
`));let o=i.findLast(e=>e.type===`error`);if(o?.type===`error`)return o.message||n.get(`answer_failed`);if(t.turn&&e.turn?.message_id!==t.turn.message_id)return n.get(`answering`);let s=r?i.findLast(e=>e.type===`thinking`):void 0;return s?.type===`thinking`?s.content||U(s.step):null}function Ht(e){let t=[...e];return t.length<=Rt?e:`${t.slice(0,Rt).join(``)} …`}var Ut=class{#e=0;tell(e,t,n,r){let i=Vt(t,n,r,Date.now()-this.#e>=zt);i!==null&&(this.#e=Date.now(),e.textContent=i)}};function Wt(e,t){switch(t.type){case`thinking`:return qt(e,Kt(t));case`tool_call`:return[...e,Jt(t)];case`tool_result`:return Yt(e,t)}}function Gt(e){return e.reduce((e,t)=>e+(t.durationMs??0),0)}function Kt(e){return{key:`${e.step} ${e.attempt??0}`,label:e.step,text:e.content??``,status:e.status,attempt:e.attempt,of:e.of,startedAt:e.timestamp,durationMs:e.duration_ms,missing:Xt(e.data)}}function qt(e,t){let n=e.findLastIndex(e=>e.key===t.key&&e.status===`started`),r=e[n];return r===void 0||t.status===`started`?[...e,t]:e.with(n,{...t,text:t.text||r.text,startedAt:r.startedAt})}function Jt(e){return{key:`call ${e.call_id}`,label:e.name,text:e.arguments?JSON.stringify(e.arguments):``,status:`started`,attempt:void 0,of:void 0,startedAt:e.timestamp,durationMs:void 0,missing:[]}}function Yt(e,t){let n=e.findLastIndex(e=>e.key===`call ${t.call_id}`),r=e[n];if(r===void 0)return e;let i=Math.max(0,Date.parse(t.timestamp)-Date.parse(r.startedAt));return e.with(n,{...r,status:t.ok?`completed`:`failed`,durationMs:i})}function Xt(e){if(typeof e!=`object`||!e||!(`missing`in e))return[];let t=e.missing;return Array.isArray(t)?t.filter(e=>typeof e==`string`):[]}var Zt=class{#e=[];#t=[];#n=new Map;#r=``;#i=!1;update(e){if(e===this.#e)return this.#t;let t=this.#a(e)?this.#e.length:this.#o(e);this.#t=[...this.#t];for(let n of e.slice(t))this.#s(n);return this.#e=e,this.#t}#a(e){let t=this.#e;return t.length>0&&e[0]===t[0]&&e[t.length-1]===t.at(-1)}#o(e){return this.#t=[],this.#n.clear(),this.#r=``,this.#i=(e[0]?.position??1)>1,0}#s(e){switch(e.type){case`user`:return this.#c({kind:`user`,key:e.message_id,position:e.position,event:e});case`component_submitted`:return this.#c({kind:`submitted`,key:e.message_id,position:e.position,event:e});case`turn`:return this.#f(e);case`intent`:return this.#g(e);case`chat`:return this.#b(e);case`thinking`:case`tool_call`:case`tool_result`:return this.#h(e,t=>({...t,steps:Wt(t.steps,e)}));case`partial`:return this.#p(e,e.message_id,null);case`response`:return this.#p(e,e.message_id,e);case`component`:return this.#m(e,{kind:`component`,component:e});case`error`:return this.#m(e,{kind:`error`,error:e})}}#c(e){this.#l(e.event),this.#u(e)}#l({timestamp:e,position:t}){let n=jt(e);n!==this.#r&&(this.#r=n,this.#u({kind:`day`,key:`day ${n}`,position:t,timestamp:e}))}#u(e){this.#n.set(en(e),this.#t.push(e)-1)}#d(e,t){this.#t.splice(e,0,t),this.#t.slice(e).forEach((t,n)=>this.#n.set(en(t),e+n))}#f(e){let t=e.status===`started`||e.status===`restarted`?`running`:e.status,n=e.status===`restarted`;this.#h(e,e=>({...e,status:t,restarted:e.restarted||n,parts:t===`running`?e.parts.filter($t):e.parts}))}#p(e,t,n){this.#h(e,e=>{let r=e.parts.findIndex(e=>e.kind===`answer`&&e.messageId===t),i={kind:`answer`,messageId:t,response:n};return r<0?{...e,parts:[...e.parts,i]}:n?{...e,parts:e.parts.with(r,i)}:e})}#m(e,t){this.#h(e,e=>({...e,parts:[...e.parts,t]}))}#h(e,t){let n=e.caused_by??e.event_id,r=this.#n.get(`turn ${n}`),i=r===void 0?null:this.#t[r];r!==void 0&&i?.kind===`turn`?this.#t[r]=t(i):(this.#l(e),this.#u(t(tn(n,e))))}#g(e){let t=this.#_(e);this.#i=!0,t&&this.#v(t,e)}#_(e){let t=e.user_intent_id??``;return e.status===`complete`?{kind:`complete`,intentId:t}:e.status===`abandoned`?{kind:`set_aside`,intentId:t,reason:e.reason??``}:e.reason===`resumed`?{kind:`resumed`,intentId:t}:e.reason===void 0&&this.#i?{kind:`new`,intentId:t}:null}#v(e,t){let n=t.caused_by??``,r=this.#n.get(`turn ${n}`),i=this.#n.get(`said ${n}`),a=e.kind===`complete`||e.kind===`set_aside`&&!Qt.includes(e.reason);a&&r!==void 0?this.#y(r+1,e,t):!a&&i!==void 0?this.#y(i,e,t):this.#y(this.#t.length,e,t)}#y(e,t,n){let r=this.#t[e-1];r?.kind===`marks`?this.#t[e-1]={...r,marks:[...r.marks,t]}:this.#d(e,{kind:`marks`,key:`marks ${n.event_id}`,position:n.position,marks:[t]})}#b(e){e.status!==`opened`&&this.#y(this.#t.length,{kind:e.status},e)}},Qt=[`superseded`,`switched`];function $t(e){return e.kind!==`answer`||e.response!==null}function en(e){return e.kind===`turn`?`turn ${e.key}`:e.kind===`user`||e.kind===`submitted`?`said ${e.key}`:e.key}function tn(e,t){let{position:n,timestamp:r}=t;return{kind:`turn`,key:e,position:n,unasked:t.type===`turn`&&t.status===`started`&&!t.user_intent_id,status:`running`,restarted:!1,startedAt:r,steps:[],parts:[]}}var nn=256;function rn(e){let t=[];for(let n of e){let e=t.at(-1),r=Math.max(e?.key??0,Math.floor(n.position/nn));e?.key===r?e.entries.push(n):t.push({key:r,entries:[n]})}return t}var an=1e3,on=500,sn=class{#e;#t;#n;#r;#i;#a;#o;constructor(e,t,n){this.entries=[],this.down=!1,this.#n=new Zt,this.#r=()=>void 0,this.#e=e,this.client=t,this.#t=n,this.snapshot=t.snapshot,e.addController(this)}async start(e){this.#r(),this.#r=this.client.subscribe(()=>this.#s()),await this.open(this.client.chat.user_chat_id,this.client.chat.events.length>0),this.#c(),e&&this.client.connect()}async open(e,t=!1){let n=t?[]:await this.#t?.load(e)??[];n.length>0?this.client.open(e,{events:n}):e!==this.client.chat.user_chat_id&&this.client.open(e)}hostDisconnected(){this.#r(),clearTimeout(this.#i),clearInterval(this.#a),this.client.disconnect()}#s(){let e=this.snapshot,t=this.client.snapshot;if(this.snapshot=t,cn(e,t))return this.#e.grown(t.chat);this.#c(),e.chat.user_chat_id===t.chat.user_chat_id&&this.#e.moved(e.chat,t.chat),e.chat.events!==t.chat.events&&this.#d(t.chat)}#c(){this.entries=this.#n.update(this.snapshot.chat.events),this.#l(this.snapshot),this.#e.requestUpdate()}#l({connection:e}){clearInterval(this.#a),[`live`,`idle`,`closed`].includes(e.status)?(clearTimeout(this.#i),this.#i=void 0,this.down=!1):(this.#i??=setTimeout(()=>this.#u(),an),e.status===`waiting`&&(this.#a=setInterval(()=>this.#e.requestUpdate(),1e3)))}#u(){this.down=!0,this.#e.requestUpdate()}#d(e){clearTimeout(this.#o);let t=e.status===`erased`?[]:e.events;this.#o=setTimeout(()=>void this.#t?.save(e.user_chat_id,t),on)}};function cn(e,t){if(e.connection!==t.connection||!ln(e.outbox,t.outbox))return!1;let{answers:n,...r}=e.chat,{answers:i,...a}=t.chat;if(!Object.keys(a).every(e=>a[e]===r[e]))return!1;let o=Object.keys(i);return o.length===Object.keys(n).length&&o.every(e=>n[e]?.done===i[e]?.done)}function ln(e,t){return e.length===t.length&&e.every((e,n)=>e===t[n])}function W(e){return L`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" fill="none" stroke="currentColor"
    stroke-width="2" stroke-linecap="round" stroke-linejoin="round">${e}</svg>`}var G={send:W(L`<path d="M12 19V5M6 11l6-6 6 6"/>`),stop:W(L`<rect x="7" y="7" width="10" height="10" rx="2" fill="currentColor"/>`),chat:W(L`<path d="M20 12a7.5 7.5 0 0 1-7.5 7.5H4.5l1.7-2.9A7.5 7.5 0 1 1 20 12Z"/>`),close:W(L`<path d="M6 6l12 12M18 6L6 18"/>`),bell:W(L`<path d="M18 16v-5a6 6 0 0 0-12 0v5l-2 2h16ZM10 21h4"/>`),list:W(L`<path d="M4 7h16M4 12h16M4 17h10"/>`),plus:W(L`<path d="M12 5v14M5 12h14"/>`),down:W(L`<path d="M12 5v14M6 13l6 6 6-6"/>`),copy:W(L`<rect x="9" y="9" width="11" height="11" rx="2.5"/><path d="M5 15V6.5A2.5 2.5 0 0 1 7.5 4H15"/>`),check:W(L`<path d="M5 12.5l4.5 4.5L19 7.5"/>`),alert:W(L`<circle cx="12" cy="12" r="8.5"/><path d="M12 8v4.5M12 16h.01"/>`),retry:W(L`<path d="M19.5 12a7.5 7.5 0 1 1-2.2-5.3L19.5 9M19.5 4.5V9H15"/>`),chevron:W(L`<path d="M9 6l6 6-6 6"/>`),pause:W(L`<path d="M9 6v12M15 6v12"/>`),spark:W(L`<path d="M12 4l1.7 5.1a2 2 0 0 0 1.2 1.2L20 12l-5.1 1.7a2 2 0 0 0-1.2 1.2L12 20l-1.7-5.1a2 2 0 0 0-1.2-1.2L4 12l5.1-1.7a2 2 0 0 0 1.2-1.2L12 4Z"/>`),offline:W(L`<path d="M4 4l16 16M8.5 16a5 5 0 0 1 6.5-.4M5 12.4a10 10 0 0 1 4.2-2.5M19 12.4a10 10 0 0 0-5.8-2.8M12 19.5h.01"/>`)};function un(e,t){try{let n=globalThis[e].getItem(`chatstream:${t}`);return n===null?null:JSON.parse(n)}catch{return null}}function dn(e,t,n){try{n===null?globalThis[e].removeItem(`chatstream:${t}`):globalThis[e].setItem(`chatstream:${t}`,JSON.stringify(n))}catch{}}function K(e,t){customElements.get(e)||customElements.define(e,t)}var fn=class extends H{createRenderRoot(){return this}},pn=180;K(`chatstream-composer`,class extends fn{constructor(...e){super(...e),this.view=null,this.running=!1,this.closed=!1,this.placeholder=``,this.onSend=()=>!1,this.onStop=()=>void 0,this.lastSent=()=>``,this.empty=!0}static{this.properties={view:{attribute:!1},running:{attribute:!1},closed:{attribute:!1},placeholder:{attribute:!1},empty:{state:!0}}}focus(){this.#e?.focus()}get#e(){return this.querySelector(`textarea`)}updated(e){let t=e.get(`view`);e.has(`view`)&&t?.chatId!==this.view?.chatId&&this.#s()}render(){let{view:e}=this;return e?this.closed?this.#t(e):this.#n(e):z}#t(e){return I`<div class="composer closed" part="composer">
      <p class="note">${e.texts.get(`composer_closed`)}</p>
      <button type="button" class="primary" @click=${()=>e.actions.openChat(null)}>
        ${e.texts.get(`new_chat`)}
      </button>
    </div>`}#n(e){let{texts:t}=e;return I`<form class="composer" part="composer" @submit=${this.#r}>
      <label class="offscreen" for="composer">${t.get(`composer_label`)}</label>
      <textarea
        id="composer"
        part="input"
        rows="1"
        dir="auto"
        enterkeyhint="send"
        autocomplete="off"
        placeholder=${this.placeholder||t.get(`composer_placeholder`)}
        @input=${this.#a}
        @keydown=${this.#o}
      ></textarea>
      ${this.running&&this.empty?I`<button
              type="button"
              class="round stop"
              part="stop"
              aria-label=${t.get(`stop`)}
              title=${t.get(`stop`)}
              @click=${()=>this.onStop()}
            >
              ${G.stop}
            </button>`:I`<button
              type="submit"
              class="round send"
              part="send"
              aria-label=${t.get(`send`)}
              title=${t.get(`send`)}
              aria-disabled=${String(this.empty)}
            >
              ${G.send}
            </button>`}
    </form>`}#r(e){e.preventDefault(),this.#i()}#i(){let e=this.#e,t=e?.value.trim()??``;e&&t!==``&&this.onSend(t)&&(this.write(``),e.focus())}write(e){this.#e&&(this.#e.value=e,this.#a())}#a(){let e=this.#e;e&&(this.empty=e.value.trim()===``,dn(`sessionStorage`,this.#c(),e.value||null),e.style.setProperty(`height`,`auto`),e.style.setProperty(`height`,`${Math.min(e.scrollHeight,pn)}px`))}#o(e){e.isComposing||e.keyCode===229||(e.key===`Enter`&&!e.shiftKey?(e.preventDefault(),this.#i()):e.key===`ArrowUp`&&this.#e?.value===``&&(e.preventDefault(),this.write(this.lastSent())))}#s(){this.write(un(`sessionStorage`,this.#c())??``)}#c(){return`draft:${this.view?.chatId??``}`}});var q={ATTRIBUTE:1,CHILD:2,PROPERTY:3,BOOLEAN_ATTRIBUTE:4,EVENT:5,ELEMENT:6},mn=e=>(...t)=>({_$litDirective$:e,values:t}),hn=class{constructor(e){}get _$AU(){return this._$AM._$AU}_$AT(e,t,n){this._$Ct=e,this._$AM=t,this._$Ci=n}_$AS(e,t){return this.update(e,t)}update(e,t){return this.render(...t)}},gn={},_n=mn(class extends hn{constructor(){super(...arguments),this.ot=gn}render(e,t){return t()}update(e,[t,n]){if(Array.isArray(t)){if(Array.isArray(this.ot)&&this.ot.length===t.length&&t.every((e,t)=>e===this.ot[t]))return R}else if(this.ot===t)return R;return this.ot=Array.isArray(t)?Array.from(t):t,this.render(t,n)}}),{I:vn}=Te,yn=e=>e,bn=e=>e.strings===void 0,xn=()=>document.createComment(``),Sn=(e,t,n)=>{let r=e._$AA.parentNode,i=t===void 0?e._$AB:t._$AA;if(n===void 0)n=new vn(r.insertBefore(xn(),i),r.insertBefore(xn(),i),e,e.options);else{let t=n._$AB.nextSibling,a=n._$AM,o=a!==e;if(o){let t;n._$AQ?.(e),n._$AM=e,n._$AP!==void 0&&(t=e._$AU)!==a._$AU&&n._$AP(t)}if(t!==i||o){let e=n._$AA;for(;e!==t;){let t=yn(e).nextSibling;yn(r).insertBefore(e,i),e=t}}}return n},J=(e,t,n=e)=>(e._$AI(t,n),e),Cn={},wn=(e,t=Cn)=>e._$AH=t,Tn=e=>e._$AH,En=e=>{e._$AR(),e._$AA.remove()},Dn=(e,t,n)=>{let r=new Map;for(let i=t;i<=n;i++)r.set(e[i],i);return r},On=mn(class extends hn{constructor(e){if(super(e),e.type!==q.CHILD)throw Error(`repeat() can only be used in text expressions`)}dt(e,t,n){let r;n===void 0?n=t:t!==void 0&&(r=t);let i=[],a=[],o=0;for(let t of e)i[o]=r?r(t,o):o,a[o]=n(t,o),o++;return{values:a,keys:i}}render(e,t,n){return this.dt(e,t,n).values}update(e,[t,n,r]){let i=Tn(e),{values:a,keys:o}=this.dt(t,n,r);if(!Array.isArray(i))return this.ut=o,a;let s=this.ut??=[],c=[],l,u,d=0,f=i.length-1,p=0,m=a.length-1;for(;d<=f&&p<=m;)if(i[d]===null)d++;else if(i[f]===null)f--;else if(s[d]===o[p])c[p]=J(i[d],a[p]),d++,p++;else if(s[f]===o[m])c[m]=J(i[f],a[m]),f--,m--;else if(s[d]===o[m])c[m]=J(i[d],a[m]),Sn(e,c[m+1],i[d]),d++,m--;else if(s[f]===o[p])c[p]=J(i[f],a[p]),Sn(e,i[d],i[f]),f--,p++;else if(l===void 0&&(l=Dn(o,p,m),u=Dn(s,d,f)),l.has(s[d])){if(l.has(s[f])){let t=u.get(o[p]),n=t===void 0?null:i[t];if(n===null){let t=Sn(e,i[d]);J(t,a[p]),c[p]=t}else c[p]=J(n,a[p]),Sn(e,i[d],n),i[t]=null;p++}else En(i[f]),f--}else En(i[d]),d++;for(;p<=m;){let t=Sn(e,c[m+1]);J(t,a[p]),c[p++]=t}for(;d<=f;){let e=i[d++];e!==null&&En(e)}return this.ut=o,wn(e,c),R}}),kn=8,An=class{#e;#t;#n=0;#r=!0;constructor(e,t){this.#e=e,this.#t=t,e.addEventListener(`scroll`,()=>this.#a(),{passive:!0}),e.addEventListener(`wheel`,e=>e.deltaY<0&&this.#o(),{passive:!0})}get attached(){return this.#r}stick(){this.#r&&(this.#e.scrollTop=this.#e.scrollHeight),this.#n=this.#e.scrollTop}attach(){this.#s(!0),this.stick()}hold(){let e=this.#i(),t=e?.getBoundingClientRect().top??0;return()=>{e&&(this.#e.scrollTop+=e.getBoundingClientRect().top-t),this.#n=this.#e.scrollTop}}#i(){let{top:e}=this.#e.getBoundingClientRect();return[...this.#e.querySelectorAll(`.entry:not(.divider)`)].find(t=>t.getBoundingClientRect().bottom>e)??null}#a(){let{scrollTop:e,scrollHeight:t,clientHeight:n}=this.#e;t-e-n<=kn?this.#s(!0):e<this.#n&&this.#s(!1),this.#n=e}#o(){let{scrollHeight:e,clientHeight:t}=this.#e;e>t&&this.#s(!1)}#s(e){e!==this.#r&&(this.#r=e,this.#t(e))}},jn=[`minimum`,`maximum`,`exclusiveMinimum`,`exclusiveMaximum`,`multipleOf`,`minLength`,`maxLength`,`minItems`,`maxItems`];function Mn(e,t=[]){let n=Y(Y(e).properties),r=Bn(Y(e).required);return Object.entries(n).map(([e,n])=>Pn([...t,e],Y(n),r.includes(e)))}function Nn(e){return e.flatMap(e=>e.kind===`group`?e.fields:[e])}function Pn(e,t,n){let r=In(t,e.length);return{path:e,kind:r,required:n,label:Vn(t.title)||zn(e.at(-1)??``),description:Vn(t.description),initial:t.default,choices:Rn(r===`choices`?Y(t.items):t),fields:r===`group`?Mn(t,e):[],limits:Fn(t),pattern:Vn(t.pattern)||void 0}}function Fn(e){return Object.fromEntries(jn.map(t=>[t,e[t]]).filter(([,e])=>typeof e==`number`))}function In(e,t){let n=Array.isArray(e.type)?e.type.find(e=>e!==`null`):e.type;return Rn(e).length>0?`choice`:n===`array`&&Rn(Y(e.items)).length>0?`choices`:n===`object`&&t===1?`group`:n===`boolean`||n===`number`||n===`integer`?n:Ln(e.format)}function Ln(e){switch(e){case`date`:case`time`:case`date-time`:case`email`:case`uri`:case`textarea`:return e;default:return`text`}}function Rn(e){let t=Bn(e.oneOf).map(Y);return t.length>0&&t.every(e=>`const`in e)?t.map(e=>({value:e.const,label:Vn(e.title)||String(e.const)})):Bn(e.enum).filter(e=>e!==null).map(e=>({value:e,label:typeof e==`string`?e:JSON.stringify(e)}))}function zn(e){let t=e.replace(/([a-z\d])([A-Z])/g,`$1 $2`).replace(/[_-]+/g,` `);return t.charAt(0).toUpperCase()+t.slice(1)}function Y(e){return typeof e==`object`&&e&&!Array.isArray(e)?e:{}}function Bn(e){return Array.isArray(e)?e:[]}function Vn(e){return typeof e==`string`?e:``}async function Hn(e,t){if(globalThis.isSecureContext&&navigator.clipboard){await navigator.clipboard.writeText(e);return}let n=document.createElement(`textarea`);n.className=`offscreen`,n.value=e,t.after(n),n.select(),document.execCommand(`copy`),n.remove(),t.focus()}var Un=12,X=/^[ \t]*$/,Wn=/^( {0,3})(`{3,}|~{3,})[ \t]*([^`]*)$/,Gn=/^ {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$/,Kn=/^ {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$/,qn=/^ {0,3}> ?/,Jn=/^( {0,3})([-+*]|\d{1,9}[.)])([ \t]+|$)/,Yn=/^ {0,3}(=+|-+)[ \t]*$/,Xn=/^ {0,3}\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$/,Zn=/^ {0,3}\[([^[\]]+)\]:[ \t]*<?([^\s<>]+)>?(?:[ \t]+["'(].*)?[ \t]*$/,Qn=/^(?: {4}|\t)/;function $n(e,t){return new er(e.split(`
`),t,0).read()}var er=class e{#e;#t;#n;#r=[];#i=0;#a=0;constructor(e,t,n){this.#e=e,this.#t=t,this.#n=n}read(){for(;this.#i<this.#e.length;){let e=this.#i,t=this.#s(this.#o);for(let t of this.#e.slice(e,this.#i))this.#a+=t.length+1;t?this.#r.push(Object.assign(t,{end:this.#a})):this.#r.length>0&&(this.#r.at(-1).end=this.#a)}return this.#r}get#o(){return this.#e[this.#i]??``}#s(e){if(X.test(e)||this.#u(e))return this.#c();if(Qn.test(e))return this.#m();let t=Wn.exec(e);if(t)return this.#p(t);let n=Gn.exec(e);return n?this.#l({kind:`heading`,level:n[1].length,text:n[2]??``,end:0}):Kn.test(e)?this.#l({kind:`rule`,end:0}):this.#n<Un&&qn.test(e)?this.#h():this.#n<Un&&Jn.test(e)?this.#g():this.#b(e)??this.#x()}#c(){return this.#i+=1,null}#l(e){return this.#i+=1,e}#u(e){let[,t,n]=Zn.exec(e)??[];return t===void 0||n===void 0?!1:(this.#t.set(t.toLowerCase(),this.#t.get(t.toLowerCase())??n),!0)}#d(e){let t=this.#i;for(;this.#i<this.#e.length&&e(this.#o);)this.#i+=1;return this.#e.slice(t,this.#i)}#f(t){return new e(t,this.#t,this.#n+1).read()}#p([,e=``,t=``,n=``]){this.#i+=1;let r=RegExp(`^ {0,3}${t[0]===`~`?`~`:"`"}{${t.length},}[ \\t]*$`),i=this.#d(e=>!r.test(e));this.#i+=1;let a=RegExp(`^ {0,${e.length}}`),o=i.map(e=>e.replace(a,``)).join(`
`);return{kind:`code`,language:n.trim().split(/\s/)[0]??``,text:o,end:0}}#m(){return{kind:`code`,language:``,text:this.#d(e=>Qn.test(e)||X.test(e)).map(e=>e.replace(Qn,``)).join(`
`).trimEnd(),end:0}}#h(){let e=!0,t=this.#d(t=>{let n=qn.test(t)||e&&tr(t);return e=!X.test(t.replace(qn,``)),n});return{kind:`quote`,blocks:this.#f(t.map(e=>e.replace(qn,``))),end:0}}#g(){let e=Jn.exec(this.#o)[2],t=[],n=!0;for(;this.#i<this.#e.length;){let r=Jn.exec(this.#o);if(!r||r[2].at(-1)!==e.at(-1)||Kn.test(this.#o))break;let i=this.#v(r);n&&=!rr(i),t.push(this.#_(i))}return{kind:`list`,start:/\d/.test(e)?Number.parseInt(e,10):null,tight:n,items:t,end:0}}#_([e=``,...t]){let n=/^\[([ xX])\][ \t]+/.exec(e),r=this.#f([e.slice(n?.[0].length??0),...t]);return{checked:n?n[1]!==` `:null,blocks:r}}#v([e,t=``,n=``,r=``]){let i=this.#o.slice(r.length>4?t.length+n.length+1:e.length),a=t.length+n.length+(r.length>4||r===``?1:r.length),o=RegExp(`^(?: {${a}}|\\t)`);this.#i+=1;let s=!1,c=this.#d(e=>{let t=X.test(e)||o.test(e)||!s&&tr(e)&&!Jn.test(e);return s=X.test(e),t});for(;c.length>0&&X.test(c.at(-1))&&!this.#y(n);)c.pop(),--this.#i;return[i,...c.map(e=>e.replace(o,``))]}#y(e){let t=Jn.exec(this.#o);return t!==null&&t[2].at(-1)===e.at(-1)}#b(e){let t=this.#e[this.#i+1]??``;if(!e.includes(`|`)||!Xn.test(t))return null;let n=ir(e),r=ir(t).map(ar);return n.length===r.length?(this.#i+=2,{kind:`table`,align:r,rows:[n,...this.#d(e=>!X.test(e)&&!nr(e)).map(ir).map(e=>r.map((t,n)=>e[n]??``))],end:0}):null}#x(){let e=this.#o;this.#i+=1;let t=[e,...this.#d(e=>tr(e)&&!Yn.test(e))].map(e=>e.trimStart()).join(`
`).trimEnd(),n=Yn.exec(this.#o);return n?(this.#i+=1,{kind:`heading`,level:n[1].startsWith(`=`)?1:2,text:t,end:0}):{kind:`paragraph`,text:t,end:0}}};function tr(e){return!X.test(e)&&!nr(e)}function nr(e){if(Wn.test(e)||Gn.test(e)||Kn.test(e)||qn.test(e))return!0;let t=Jn.exec(e);return t!==null&&t[3]!==``&&(!/\d/.test(t[2])||Number.parseInt(t[2],10)===1)}function rr(e){let t=e.findLastIndex(e=>!X.test(e));return e.slice(0,t).some((e,t)=>t>0&&X.test(e))||e.length-1>t}function ir(e){return e.trim().replace(/^\|/,``).replace(/(?<!\\)\|$/,``).split(/(?<!\\)\|/).map(e=>e.trim().replace(/\\\|/g,`|`))}function ar(e){return e.endsWith(`:`)?e.startsWith(`:`)?`center`:`right`:e.startsWith(`:`)?`left`:``}var or={amp:`&`,lt:`<`,gt:`>`,quot:`"`,apos:`'`,nbsp:`\xA0`,copy:`©`,hellip:`…`,ndash:`–`,mdash:`—`,bull:`•`,deg:`°`,times:`×`,euro:`€`,rarr:`→`,larr:`←`};function sr(e){return e.replace(/&(?:#(\d{1,7})|#x([\da-f]{1,6})|(\w{1,8}));/gi,(e,t,n,r)=>{if(r!==void 0)return or[r]??e;let i=t===void 0?Number.parseInt(n??``,16):Number(t);return i>0&&i<=1114111?String.fromCodePoint(i):e})}var cr=/[\u0000-\u0020\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060\ufeff]/g;function lr(e){let t=e.replace(cr,``);return t===``||t.startsWith(`//`)||t.startsWith(`\\`)||/^[/\\]{2}/.test(t)?null:/^(https:\/\/|mailto:)/i.test(t)||ur(t)?t:null}function ur(e){let t=e.split(/[/?#]/,1)[0]??``;return!/[:\\&]/.test(t)}var dr=40;function fr(e,t,n){return new pr(e,t,n).read()}var pr=class{#e;#t;#n;#r=[];#i=[];#a=0;#o=``;constructor(e,t,n){this.#e=e,this.#t=t,this.#n=n}read(){for(;this.#a<this.#e.length;)this.#s(this.#e[this.#a]);return this.#d(),Dr(this.#i)}#s(e){switch(e){case`\\`:return this.#p();case"`":return this.#h();case`*`:case`_`:case`~`:return this.#g(e);case`!`:case`[`:return this.#_(e);case`]`:return this.#v();case`
`:return this.#m();case`<`:case`h`:case`w`:return this.#x();default:this.#l()}}#c(e){return e.lastIndex=this.#a,e.exec(this.#e)}#l(){let e=this.#c(mr)?.[0]??this.#e[this.#a];this.#u(e)}#u(e){this.#o+=e,this.#a+=e.length}#d(){this.#o&&this.#i.push(document.createTextNode(sr(this.#o))),this.#o=``}#f(e,t){this.#d(),this.#i.push(e),this.#a+=t}#p(){let e=this.#e[this.#a+1]??``;if(e===`
`)return this.#f(document.createElement(`br`),2);if(vr.test(e))return this.#f(document.createTextNode(e),2);this.#u(`\\`)}#m(){let e=this.#o.endsWith(`  `);this.#o=this.#o.trimEnd(),e?this.#f(document.createElement(`br`),1):this.#u(`
`)}#h(){let e=this.#c(hr)[0],t=Tr(this.#e,this.#a+e.length,e.length);if(t<0)return this.#u(e);let n=this.#e.slice(this.#a+e.length,t).replace(/\n/g,` `),r=Cr(`code`);r.dir=`ltr`,r.textContent=/^ .*[^ ].* $/.test(n)?n.slice(1,-1):n,this.#f(r,t+e.length-this.#a)}#g(e){let t=this.#c(gr)[0],n=this.#e[this.#a-1]??` `,r=this.#e[this.#a+t.length]??` `,i=!_r.test(r)&&(!vr.test(r)||_r.test(n)||vr.test(n)),a=!_r.test(n)&&(!vr.test(n)||_r.test(r)||vr.test(r)),o=e===`_`&&i&&a,s=i&&(!o||vr.test(n)),c=a&&(!o||vr.test(r));this.#f({char:e,count:t.length,opens:s,closes:c},t.length)}#_(e){let t=e===`!`;if(t&&this.#e[this.#a+1]!==`[`||this.#r.length>=dr)return this.#u(e);let n=t?`![`:`[`;this.#f(document.createTextNode(n),n.length),this.#r.push({at:this.#i.length-1,from:this.#a,image:t})}#v(){let e=this.#r.pop(),t=e&&this.#y(this.#e.slice(e.from,this.#a));if(!e||!t)return this.#u(`]`);this.#d();let n=Dr(this.#i.splice(e.at).slice(1));this.#i.push(e.image?this.#b(t.url,n):wr(t.url,n)),e.image||(this.#r.length=0),this.#a+=1+t.length}#y(e){this.#a+=1;let t=this.#c(yr),n=t?null:this.#c(br);if(--this.#a,t)return{url:t[1]??t[2]??``,length:t[0].length};let r=this.#t.get((n?.[1]||e).toLowerCase());return r===void 0?null:{url:r,length:n?.[0].length??0}}#b(e,t){let n=lr(e),r=t.map(e=>e.textContent).join(``);if(!this.#n.images||n===null)return document.createTextNode(r||e);let i=Cr(`img`);return i.alt=r,i.loading=`lazy`,i.referrerPolicy=`no-referrer`,i.src=n,i}#x(){let e=this.#c(xr),t=e||/\w/.test(this.#e[this.#a-1]??``)?null:this.#c(Sr);if(e){let t=e[1],n=document.createTextNode(t);return this.#f(wr(t.includes(`:`)?t:`mailto:${t}`,[n]),e[0].length)}if(!t)return this.#l();let n=Er(t[0]),r=n.startsWith(`www.`)?`https://${n}`:n;this.#f(wr(r,[document.createTextNode(n)]),n.length)}},mr=/[^\\`*_~![\]\n<hw]+|[hw]+/y,hr=/`+/y,gr=/\*+|_+|~+/y,_r=/\s/,vr=/[!-/:-@[-`{-~\p{P}\p{S}]/u,yr=/\(\s*(?:<([^<>\n]*)>|((?:[^\s()\\]|\\.|\((?:[^\s()\\]|\\.)*\))*))(?:\s+(?:"[^"]*"|'[^']*'))?\s*\)/y,br=/\[([^[\]]*)\]/y,xr=/<((?:https:\/\/|mailto:)[^\s<>]*|[\w.+-]+@[\w-]+(?:\.[\w-]+)+)>/y,Sr=/(?:https?:\/\/|www\.)[^\s<]+/y;function Cr(e,t=[]){let n=document.createElement(e);return n.append(...t),n}function wr(e,t){let n=lr(sr(e.replace(/\\(?=[!-/:-@[-`{-~])/g,``)));if(n===null)return Cr(`span`,t);let r=Cr(`a`,t);return r.href=n,r.target=`_blank`,r.rel=`noopener noreferrer nofollow`,r}function Tr(e,t,n){hr.lastIndex=t;for(let r=e.indexOf("`",t);r>=0;r=e.indexOf("`",hr.lastIndex))if(hr.lastIndex=r,hr.exec(e)[0].length===n)return r;return-1}function Er(e){let t=e.replace(/[?!.,:;*_~'"\]]+$/,``),n=e=>t.split(e).length;return t.endsWith(`)`)&&n(`)`)>n(`(`)?Er(t.slice(0,-1)):t}function Dr(e){let t=[];for(let n of e)Nr(n)&&n.closes&&Or(t,n),(!Nr(n)||n.count>0)&&t.push(n);return t.map(e=>Nr(e)?document.createTextNode(e.char.repeat(e.count)):e)}function Or(e,t){for(let n=Ar(e,t);n>=0&&t.count>0;n=Ar(e,t)){let r=e[n],i=Mr(r,t),a=e.splice(n+1).map(e=>Nr(e)?kr(e):e);r.count-=i,t.count-=i,r.count===0&&e.pop(),e.push(Cr(t.char===`~`?`del`:i===2?`strong`:`em`,a))}}function kr(e){return document.createTextNode(e.char.repeat(e.count))}function Ar(e,t){let n=Math.max(0,e.length-400);for(let r=e.length-1;r>=n;--r){let n=e[r];if(Nr(n)&&n.opens&&n.char===t.char&&jr(n,t))return r}return-1}function jr(e,t){return t.char===`~`?e.count===t.count&&t.count<=2:!(e.closes||t.opens)||(e.count+t.count)%3!=0||e.count%3==0&&t.count%3==0}function Mr(e,t){return t.char===`~`?t.count:e.count>=2&&t.count>=2?2:1}function Nr(e){return`char`in e}function Pr(e,t,n){return new Ir(t,n).block(e)}function Fr(e){let t=new Map,n={images:!1,copyLabel:``,copiedLabel:``};return $n(e,t).map(e=>Pr(e,t,n).textContent).join(` `).replace(/\s+/g,` `).trim()}var Ir=class{#e;#t;constructor(e,t){this.#e=e,this.#t=t}block(e){switch(e.kind){case`paragraph`:return this.#r(`p`,e.text);case`heading`:return this.#i(e.level,e.text);case`code`:return Lr(e.language,e.text,this.#t);case`quote`:return Z(`blockquote`,e.blocks.map(e=>this.block(e)));case`list`:return this.#a(e);case`table`:return this.#s(e);case`rule`:return Z(`hr`)}}#n(e){return fr(e,this.#e,this.#t)}#r(e,t){let n=Z(e,this.#n(t));return n.dir=`auto`,n}#i(e,t){let n=this.#r(`div`,t);return n.className=`heading h${e}`,n.setAttribute(`role`,`heading`),n.setAttribute(`aria-level`,String(Math.min(6,e+2))),n}#a({start:e,tight:t,items:n}){let r=n.map(e=>this.#o(e,t));if(e===null)return Z(`ul`,r);let i=Z(`ol`,r);return e!==1&&(i.start=e),i}#o({checked:e,blocks:t},n){let r=Z(`li`);r.dir=`auto`,e!==null&&(r.className=`task`,r.append(e?`☑ `:`☐ `));for(let e of t)n&&e.kind===`paragraph`?r.append(...this.#n(e.text)):r.append(this.block(e));return r}#s({align:e,rows:t}){let n=(t,n)=>Z(`tr`,t.map((t,r)=>{let i=this.#r(n,t);return e[r]&&(i.className=`align-${e[r]}`),i})),[r=[],...i]=t,a=Z(`div`,[Z(`table`,[Z(`thead`,[n(r,`th`)]),Z(`tbody`,i.map(e=>n(e,`td`)))])]);return a.className=`table`,a.tabIndex=0,a}};function Z(e,t=[]){let n=document.createElement(e);return n.append(...t),n}function Lr(e,t,n){let r=Z(`code`);r.textContent=t;let i=Z(`pre`,[r]);i.dir=`ltr`,i.tabIndex=0;let a=Z(`span`);a.textContent=e;let o=Z(`div`,[a,Rr(r,n)]);o.className=`code-bar`;let s=Z(`div`,[o,i]);return s.className=`code`,s.setAttribute(`part`,`code`),s}function Rr(e,{copyLabel:t,copiedLabel:n}){let r=Z(`button`);return r.type=`button`,r.className=`code-copy`,r.textContent=t,r.addEventListener(`click`,()=>{Hn(e.textContent,r).then(()=>{r.textContent=n,setTimeout(()=>r.textContent=t,2e3)})}),r}function zr(e,t){return e?e.name?U(e.name):e.title||t.get(`task`):t.get(`task`)}function Br(e){let t=e.intent===null?void 0:e.intents[e.intent];return t?.status===`active`?t:null}function Vr(e,t,n){return e.turn?``:Ur(e,t)||Gr(e,t,n)||Hr(t.question?.text??``)}function Hr(e){let t=Fr(e);return t.match(/[^.!?…。؟？\n]+[?؟？]/g)?.at(-1)?.trim()??t}function Ur(e,t){let n=e.events.findLast(n=>Wr(e,t,n));return n?.type===`component`?Nn(Mn(n.schema)).filter(e=>e.required).filter(e=>!(e.path.join(`.`)in(t.slots??{}))).map(e=>e.label.toLocaleLowerCase()).join(`, `):``}function Wr(e,t,n){return n.type!==`component`||n.kind!==`form`?!1:n.user_intent_id===t.user_intent_id&&e.components[n.component_id]?.status===`open`}function Gr({turns:e},t,n){let r=n.findLast(({key:n})=>e[n]?.user_intent_id===t.user_intent_id);return r?.kind!==`turn`||r.status!==`needs_input`?``:(r.steps.findLast(e=>e.missing.length>0)?.missing??[]).map(e=>U(e).toLocaleLowerCase()).join(`, `)}function Kr(e,t){return e.status===`open`?Object.values(e.intents).filter(e=>e.status===`abandoned`&&!t.has(e.user_intent_id)).sort((e,t)=>Date.parse(t.last_activity_at)-Date.parse(e.last_activity_at)):[]}function qr(e){return Object.entries(e??{}).filter(([,e])=>e!=null).map(([e,t])=>[U(e),t])}function Jr(e,t){let n=e.events.find(n=>n.type===`user`&&Yr(e,n)===t.user_intent_id);return n?.type===`user`&&n.content||t.title}function Yr(e,t){return t.user_intent_id??e.turns[t.message_id??``]?.user_intent_id}function Xr(e,t){return I`<div class="entry divider day" part="divider"><time datetime=${e}>${Mt(e,t.texts,Date.now())}</time></div>`}function Zr(e,t,n){return I`<div class="entry divider marks" part="divider">
    ${e.map(e=>Qr(e,t,n))}
  </div>`}function Qr(e,t,n){return I`<p class="mark ${e.kind}">
    <span class="mark-label"> ${$r(e)}<span dir="auto">${ei(e,t,n)}</span></span>
    ${ti(e,t,n)}
  </p>`}function $r(e){switch(e.kind){case`complete`:return G.check;case`set_aside`:return G.pause;case`resumed`:return G.retry;case`new`:return G.spark;case`closed`:case`erased`:return G.close}}function ei(e,t,n){let{texts:r}=n;switch(e.kind){case`new`:return r.get(`task_new`);case`closed`:return r.get(`chat_closed`);case`erased`:return r.get(`chat_erased`);case`complete`:return r.get(`task_done`,{task:zr(t.intents[e.intentId],r)});case`resumed`:return r.get(`task_resumed`,{task:zr(t.intents[e.intentId],r)});case`set_aside`:{let n=e.reason===`idle`?`task_set_aside_idle`:`task_set_aside`;return r.get(n,{task:zr(t.intents[e.intentId],r)})}}}function ti(e,t,n){if(e.kind!==`resumed`||t.intent!==e.intentId)return z;let r=t.intents[e.intentId]?.question?.text;return r?I`<span class="mark-asked" dir="auto"
    >${n.texts.get(`task_asked`,{question:Hr(r)})}</span
  >`:z}function ni(e,t){let{locale:n}=t.texts;return I`<time datetime=${e} title=${At(e,n)}
    >${kt(e,n)}</time
  >`}function ri(e,t,n=`copy`){let r=t.texts.get(n);return I`<button
    type="button"
    class="tool"
    part="copy"
    aria-label=${r}
    title=${r}
    @click=${n=>void ii(n.currentTarget,e,t,r)}
  >
    ${G.copy}
  </button>`}async function ii(e,t,n,r){await Hn(t,e);let i=t=>{e.setAttribute(`aria-label`,t),e.title=t};e.classList.add(`done`),i(n.texts.get(`copied`)),setTimeout(()=>{e.classList.remove(`done`),i(r)},2e3)}function ai(e,t,n){if(e.erased)return I`<p class="entry note end">${n.texts.get(`erased`)}</p>`;let r=e.content??``,i=I`${ri(r,n)} ${ni(e.timestamp,n)}
  ${t?I`<span class="note">${n.texts.get(`queued`)}</span>`:z}`;return li(r,e.timestamp,i,n)}function oi(e,t,n){let r=si(e,t);return r===null?I`<span class="entry" hidden></span>`:li(r,e.timestamp,ni(e.timestamp,n),n)}function si(e,t){let n=t.events.find(t=>t.type===`component`&&t.component_id===e.component_id);if(n?.type!==`component`||n.kind!==`buttons`)return null;let r=e.values?.value;return n.options?.find(e=>e.value===r)?.label??null}function ci(e,t,n){let{command:r}=e;if(r.type!==`send`)return pi(e,t);let i=new Date(e.made_at).toISOString(),a=e.status===`waiting`?n(r.content):null;return I`${li(r.content,i,ui(e,t),t,e.status)}
  ${a===null?z:mi(a,t)}`}function li(e,t,n,r,i=`stored`){return I`<article class="entry message user ${i}" part="message user-message" aria-label=${`${r.texts.get(`you`)}, ${kt(t,r.texts.locale)}`}>
    <div class="bubble" part="bubble" dir="auto">${e}</div>
    <footer>${n}</footer>
  </article>`}function ui(e,t){let{texts:n}=t;switch(e.status){case`waiting`:return I`<span class="note">${n.get(`waiting`)}</span>`;case`sending`:case`sent`:return I`<span class="note">${n.get(`sending`)}</span>`;case`failed`:return I`<span class="note bad">${G.alert}${di(e,t)}</span>
        ${fi(e,t)}`}}function di({error:e},t){return e?.code===`expired`?t.texts.get(`expired`):e?.code===`too_large`?t.texts.get(`composer_too_long`):e?.message?`${t.texts.get(`not_sent`)}: ${e.message}`:t.texts.get(`not_sent`)}function fi({command:e},t){let{texts:n,actions:r}=t;return I`<button type="button" class="link" @click=${()=>r.resend(e.id)}>
      ${n.get(`send_again`)}
    </button>
    <button type="button" class="link" @click=${()=>r.discard(e.id)}>
      ${n.get(`discard`)}
    </button>`}function pi({command:e,error:t},n){let{texts:r,actions:i}=n;return I`<div class="entry error" part="error" role="alert">
    ${G.alert}
    <div><p dir="auto">${t?.message||r.get(`error`)}</p></div>
    <button type="button" class="link" @click=${()=>i.discard(e.id)}>
      ${r.get(`discard`)}
    </button>
  </div>`}function mi(e,t){return I`<article
    class="entry message assistant canned"
    part="message offline-reply"
    aria-label=${t.texts.get(`offline_reply`)}
  >
    <p class="note">${G.offline}${t.texts.get(`offline_reply`)}</p>
    <p dir="auto">${e}</p>
  </article>`}var hi=2**31-1,gi=class{#e;#t;#n;constructor(e,t){this.#e=e,this.#t=t,e.addController(this)}hostUpdated(){clearTimeout(this.#n);let e=this.#t().map(e=>Date.parse(e??``)-Date.now()),t=Math.min(...e.filter(e=>e>0));t<=hi&&(this.#n=setTimeout(()=>this.#e.requestUpdate(),t+10))}hostDisconnected(){clearTimeout(this.#n)}};function Q(e){return e.join(`/`)}function _i(e){return Object.fromEntries(Nn(e).map(e=>[Q(e.path),vi(e,e.initial)]))}function vi(e,t){switch(e.kind){case`boolean`:return t===!0;case`choice`:return yi(e,t===void 0?[]:[t]);case`choices`:return yi(e,Array.isArray(t)?t:[]);case`date-time`:return typeof t==`string`?Ei(t):``;default:return t==null?``:String(t)}}function yi(e,t){let n=t.map(e=>JSON.stringify(e));return e.choices.flatMap((e,t)=>n.includes(JSON.stringify(e.value))?[t]:[])}function bi(e,t){let n={};for(let r of e){let e=r.kind===`group`?xi(r,t):Si(r,t[Q(r.path)]);e!==void 0&&(n[r.path.at(-1)??``]=e)}return n}function xi(e,t){let n=bi(e.fields,t);return e.required||Object.keys(n).length>0?n:void 0}function Si(e,t){if(Array.isArray(t))return Ci(e,t);if(typeof t==`boolean`)return t;if(t!==void 0&&t!==``)return wi(e,String(t))}function Ci(e,t){let n=t.map(t=>e.choices[t]?.value);return e.kind===`choice`?n[0]:n.length>0||e.required?n:void 0}function wi(e,t){switch(e.kind){case`number`:case`integer`:return Number.isFinite(Number(t))?Number(t):t;case`date-time`:return Ti(t);default:return t}}function Ti(e){let t=new Date(e);if(Number.isNaN(t.getTime()))return e;let n=-t.getTimezoneOffset(),r=e=>String(Math.trunc(e)).padStart(2,`0`),i=n<0?`-`:`+`;return`${e}${/T\d\d:\d\d$/.test(e)?`:00`:``}${i}${r(Math.abs(n)/60)}:${r(Math.abs(n)%60)}`}function Ei(e){let t=new Date(e);return Number.isNaN(t.getTime())?``:new Date(t.getTime()-t.getTimezoneOffset()*6e4).toISOString().slice(0,16)}var Di=256,Oi=/[+*}]\)*[)][+*{]/,ki=/^[^\s@]+@[^\s@.]+(?:\.[^\s@.]+)*$/,Ai=/^[a-z][a-z\d+.-]*:[^\s]*$/i;function ji(e,t,n){let r=bi(e,t),i={},a=e.filter(({kind:e,path:t})=>e!==`group`||Mi(r,t)!==void 0);for(let e of Nn(a)){let t=Ni(e,Mi(r,e.path),n);t&&(i[Q(e.path)]=t)}return i}function Mi(e,t){return t.reduce((e,t)=>typeof e==`object`&&e?e[t]:void 0,e)}function Ni(e,t,n){return t===void 0?e.required?n.get(`form_required`):``:typeof t==`number`?Pi(e,t,n):typeof t==`string`?Ii(e,t,n):Array.isArray(t)?Li(e,t.length,n):``}function Pi({kind:e,limits:t},n,r){let i=t.minimum??t.exclusiveMinimum,a=t.maximum??t.exclusiveMaximum;return n<(t.minimum??-1/0)||n<=(t.exclusiveMinimum??-1/0)?r.get(`form_minimum`,{limit:i??``}):n>(t.maximum??1/0)||n>=(t.exclusiveMaximum??1/0)?r.get(`form_maximum`,{limit:a??``}):(e!==`integer`||Number.isInteger(n))&&Fi(n,t.multipleOf)?``:r.get(`form_bad_value`)}function Fi(e,t){return t===void 0||Math.abs(e/t-Math.round(e/t))<1e-9}function Ii(e,t,n){if(e.kind===`choice`)return``;if(e.kind===`number`||e.kind===`integer`)return n.get(`form_bad_value`);let r=e.pattern===void 0?1/0:Di,{minLength:i=0,maxLength:a=1/0}=e.limits,o=[...t].length;if(o<i)return n.get(`form_min_length`,{limit:i});let s=Math.min(a,r);return o>s?n.get(`form_max_length`,{limit:s}):e.kind===`email`&&!ki.test(t)||e.kind===`uri`&&!Ai.test(t)?n.get(`form_bad_format`,{format:e.label}):Ri(e.pattern,t)?``:e.description||n.get(`form_bad_value`)}function Li({limits:e},t,n){return t>=(e.minItems??0)&&t<=(e.maxItems??1/0)?``:n.get(t===0?`form_required`:`form_bad_value`)}function Ri(e,t){if(e===void 0)return!0;if(Oi.test(e))return!1;try{return new RegExp(e,`u`).test(t)}catch{return!0}}var zi=mn(class extends hn{constructor(e){if(super(e),e.type!==q.PROPERTY&&e.type!==q.ATTRIBUTE&&e.type!==q.BOOLEAN_ATTRIBUTE)throw Error("The `live` directive is not allowed on child or event bindings");if(!bn(e))throw Error("`live` bindings can only contain a single expression")}render(e){return e}update(e,[t]){if(t===R||t===z)return t;let n=e.element,r=e.name;if(e.type===q.PROPERTY){if(t===n[r])return R}else if(e.type===q.BOOLEAN_ATTRIBUTE){if(!!t===n.hasAttribute(r))return R}else if(e.type===q.ATTRIBUTE&&n.getAttribute(r)===t+``)return R;return wn(e),t}}),Bi=4;function Vi(e){let{field:t}=e;switch(t.kind){case`group`:return I`<fieldset class="group">
        <legend dir="auto">${t.label}</legend>
        ${Ki(e)} ${t.fields.map(t=>Vi({...e,field:t}))}
      </fieldset>`;case`boolean`:return na(e);case`choices`:return ta(e,`checkbox`);case`choice`:return t.choices.length<=Bi?ta(e,`radio`):Wi(e,ea(e));case`textarea`:return Wi(e,Qi(e));default:return Wi(e,Yi(e))}}function $({idPrefix:e,field:t}){return`${e}-${Q(t.path).replace(/[^\w-]/g,`_`)}`}function Hi({errors:e,field:t}){return e[Q(t.path)]}function Ui(e){return`${e.field.description?`${$(e)}-hint`:``} ${Hi(e)===void 0?``:`${$(e)}-error`}`.trim()}function Wi(e,t){return I`<div class="field">
    <label for=${$(e)} dir="auto">${Gi(e)}</label>
    ${Ki(e)}${t}${qi(e)}
  </div>`}function Gi({field:e,texts:t}){let n=I`<span class="optional">${t.get(`form_optional`)}</span>`;return I`${e.label}${e.required?z:I` ${n}`}`}function Ki(e){let{description:t}=e.field;return t?I`<p class="hint" id="${$(e)}-hint" dir="auto">${t}</p>`:z}function qi(e){let t=Hi(e);return t===void 0?z:I`<p class="note bad" id="${$(e)}-error">${t}</p>`}function Ji({draft:e,field:t}){let n=e[Q(t.path)];return typeof n==`string`?n:``}function Yi(e){let{field:t,onInput:n}=e;return I`<input
    id=${$(e)}
    name=${Q(t.path)}
    type=${Xi(t)}
    dir="auto"
    .value=${zi(Ji(e))}
    ?required=${t.required}
    step=${Zi(t)}
    min=${t.limits.minimum??z}
    max=${t.limits.maximum??z}
    aria-invalid=${Hi(e)===void 0?z:`true`}
    aria-describedby=${Ui(e)||z}
    @input=${e=>n(t,e.target.value)}
  />`}function Xi({kind:e}){switch(e){case`date-time`:return`datetime-local`;case`integer`:return`number`;case`uri`:return`url`;case`date`:case`time`:case`email`:case`number`:return e;default:return`text`}}function Zi({kind:e}){return e===`number`?`any`:e===`integer`?`1`:z}function Qi(e){let{field:t,onInput:n}=e;return I`<textarea
    id=${$(e)}
    name=${Q(t.path)}
    rows="3"
    dir="auto"
    .value=${zi(Ji(e))}
    ?required=${t.required}
    aria-invalid=${Hi(e)===void 0?z:`true`}
    aria-describedby=${Ui(e)||z}
    @input=${e=>n(t,e.target.value)}
  ></textarea>`}function $i({draft:e,field:t}){let n=e[Q(t.path)];return Array.isArray(n)?n:[]}function ea(e){let{field:t,onInput:n,texts:r}=e,i=$i(e)[0];return I`<select
    id=${$(e)}
    name=${Q(t.path)}
    ?required=${t.required}
    aria-invalid=${Hi(e)===void 0?z:`true`}
    aria-describedby=${Ui(e)||z}
    @change=${e=>{let{value:r}=e.target;n(t,r===``?[]:[Number(r)])}}
  >
    <option value="" .selected=${i===void 0}>${r.get(`form_choose`)}</option>
    ${t.choices.map((e,t)=>I`<option value=${t} .selected=${i===t}>${e.label}</option>`)}
  </select>`}function ta(e,t){let{field:n,onInput:r}=e,i=$i(e),a=(e,a)=>{let o=t===`radio`?[]:i.filter(t=>t!==e);r(n,a?[...o,e].sort((e,t)=>e-t):o)};return I`<fieldset
    class="options ${Hi(e)===void 0?``:`wrong`}"
    aria-describedby=${Ui(e)||z}
  >
    <legend dir="auto">${Gi(e)}</legend>
    ${Ki(e)}
    ${n.choices.map((n,r)=>I`<label class="option" dir="auto">
          <input
            type=${t}
            name=${$(e)}
            .checked=${zi(i.includes(r))}
            @change=${e=>a(r,e.target.checked)}
          />
          <span>${n.label}</span>
        </label>`)}
    ${qi(e)}
  </fieldset>`}function na(e){let{field:t,draft:n,onInput:r}=e;return I`<div class="field">
    <label class="option" dir="auto">
      <input
        type="checkbox"
        name=${Q(t.path)}
        .checked=${zi(n[Q(t.path)]===!0)}
        aria-invalid=${Hi(e)===void 0?z:`true`}
        aria-describedby=${Ui(e)||z}
        @change=${e=>r(t,e.target.checked)}
      />
      <span>${t.label}</span>
    </label>
    ${Ki(e)}${qi(e)}
  </div>`}var ra=class extends fn{static{this.properties={event:{attribute:!1},state:{attribute:!1,hasChanged:sa},view:{attribute:!1},errors:{state:!0}}}#e;#t;#n;constructor(){super(),this.event=null,this.state={component:void 0,submit:void 0},this.view=null,this.errors={},this.#e=null,this.#t=``,this.#n=!1,new gi(this,()=>[this.event?.expires_at])}willUpdate(){let{submit:e}=this.state;e?.status===`failed`&&e.command.id!==this.#t&&(this.#t=e.command.id,this.errors=aa(e.error?.details?.fields??{}),this.#n=!0)}updated(){this.#n&&(this.#n=!1,this.querySelector(`[aria-invalid="true"], .wrong input`)?.focus())}render(){let{event:e,view:t}=this;if(!e||!t)return z;let n=Mn(e.schema),r=this.#i(),i=la(e,this.state.component),a=e.title?I`<p class="component-title" dir="auto">${e.title}</p>`:z;return r?this.#r(I`${a}${oa(n,r,t)}`,`submitted`):i?this.#r(I`${a}
          <p class="note">${t.texts.get(i)}</p>`,`closed`):this.#r(this.#a(a,n,e,t),`open`)}#r(e,t){return I`<div class="form ${t}">${e}</div>`}#i(){return this.state.component?.status===`submitted`?this.state.component.values??{}:void 0}#a(e,t,n,r){let i=this.state.submit!==void 0&&this.state.submit.status!==`failed`,a=this.#s(t,n),o=t.map(e=>Vi({field:e,draft:a,errors:this.errors,idPrefix:n.component_id,texts:r.texts,onInput:(e,t)=>this.#c(e,t,n)}));return I`<form
      novalidate
      aria-label=${n.title??r.texts.get(`form_submit`)}
      @submit=${e=>{e.preventDefault(),this.#l(t,n,r)}}
    >
      ${e}
      <fieldset class="plain" ?disabled=${i}>${o}</fieldset>
      ${this.#o(r)}
      <button type="submit" class="primary" part="submit" ?disabled=${i}>
        ${r.texts.get(i?`form_sending`:`form_submit`)}
      </button>
    </form>`}#o(e){let t=Object.keys(this.errors).length;if(t>0)return I`<p class="note bad" role="alert">${e.texts.count(`form_invalid`,t)}</p>`;let n=this.state.submit?.status===`failed`?this.state.submit.error?.message:void 0;return n?I`<p class="note bad" role="alert">${n}</p>`:z}#s(e,t){return this.#e??={..._i(e),...un(`sessionStorage`,ia(t))},this.#e}#c(e,t,n){let r=Q(e.path);this.#e={...this.#e,[r]:t},dn(`sessionStorage`,ia(n),this.#e);let{[r]:i,...a}=this.errors;i===void 0?this.requestUpdate():this.errors=a}#l(e,t,n){let r=this.#s(e,t);this.errors=ji(e,r,n.texts),this.#n=Object.keys(this.errors).length>0,this.#n||(dn(`sessionStorage`,ia(t),null),n.actions.submit(t.component_id,bi(e,r)))}};function ia(e){return`draft:${e.user_chat_id}:${e.component_id}`}function aa(e){return Object.fromEntries(Object.entries(e).map(([e,t])=>[e.replace(/^[/#.$]+/,``).replace(/\./g,`/`),t]))}function oa(e,t,n){return I`<dl class="facts">${Nn(e).map(e=>{let r=e.choices.find(n=>n.value===Mi(t,e.path))?.label;return I`<div>
      <dt dir="auto">${e.label}</dt>
      <dd dir="auto">${r??Lt(Mi(t,e.path),n.texts)}</dd>
    </div>`})}</dl>
    <p class="note good">${G.check}${n.texts.get(`form_submitted`)}</p>`}function sa(e,t){return e.component!==t?.component||e.submit!==t?.submit}K(`chatstream-form`,ra);function ca(e,t,n){if(e.erased)return I`<p class="note">${n.texts.get(`erased`)}</p>`;switch(e.kind){case`form`:return I`<chatstream-form
        part="form"
        .event=${e}
        .state=${t}
        .view=${n}
      ></chatstream-form>`;case`buttons`:return fa(e,t,n);default:return ma(e,n)}}function la(e,t){return!t||t.status===`submitted`?null:t.status===`closed`?da(t.reason):ua(e)?`closed_expired`:null}function ua(e){return e.expires_at!==void 0&&Date.parse(e.expires_at)<=Date.now()}function da(e){switch(e){case`superseded`:return`closed_superseded`;case`complete`:return`closed_complete`;case`chat_closed`:return`closed_chat`;case void 0:return`closed_other`}}function fa(e,t,n){let r=pa(t),i=la(e,t.component),a=t.submit!==void 0&&t.submit.status!==`failed`,o=t.submit?.status===`failed`?t.submit.error?.message:void 0,s=a||i!==null||t.component?.status!==`open`;return I`<div class="buttons" part="buttons" role="group" aria-label=${e.title??``}>
    ${e.title?I`<p class="component-title" dir="auto">${e.title}</p>`:z}
    <div class="button-row">
      ${(e.options??[]).map(t=>I`<button
            type="button"
            part="button"
            dir="auto"
            ?disabled=${s}
            aria-pressed=${String(r===t.value)}
            @click=${()=>n.actions.submit(e.component_id,{value:t.value})}
          >
            ${r===t.value?G.check:z}${t.label}
          </button>`)}
    </div>
    ${i?I`<p class="note">${n.texts.get(i)}</p>`:z}
    ${o?I`<p class="note bad" role="alert">${o}</p>`:z}
  </div>`}function pa({component:e,submit:t}){if(e?.values)return e.values.value;let n=t?.command;return n?.type===`submit`&&t?.status!==`failed`?n.values.value:void 0}function ma(e,t){return I`<div class="placeholder" part="placeholder">
    ${e.title?I`<p class="component-title" dir="auto">${e.title}</p>`:z}
    <p class="note" dir="auto">${t.texts.get(`unknown_component`,{kind:e.kind})}</p>
  </div>`}function ha(e,t,n,r){let i=e.status===`running`&&!n.answering;if(t.thinking===`hidden`||e.steps.length===0&&!i)return z;let a=n.open??(t.thinking===`open`||t.thinking===`auto`&&i);return I`<details class="steps" part="thinking" .open=${a}>
    <summary
      @click=${e=>{e.preventDefault(),r(!a)}}
    >
      ${i?I`<span class="pulse" aria-hidden="true"></span>`:G.chevron}
      <span class="steps-line" dir="auto">${i?ga(e,t,a):_a(e,t)}</span>
    </summary>
    <ol>
      ${e.steps.map(e=>ya(e,t))}
    </ol>
    ${e.restarted?I`<p class="note">${t.texts.get(`restarted`)}</p>`:z}
  </details>`}function ga(e,t,n){let r=e.steps.at(-1);return r&&!n?va(r):t.texts.get(`thinking`)}function _a(e,t){let{texts:n}=t;if(e.unasked&&e.parts.length===0)return e.steps.map(va).join(` · `);let r=n.count(`steps`,e.steps.length),i=Gt(e.steps);return i>0?n.get(`steps_summary`,{steps:r,duration:Ft(i,n)}):r}function va(e){return e.text||U(e.label)}function ya(e,t){let{texts:n}=t,r=[xa(e,t),e.status===`failed`?n.get(`step_failed`):``];return e.durationMs!==void 0&&r.push(Ft(e.durationMs,n)),I`<li class="step ${e.status}" title=${U(e.label)}>
    <span class="step-mark" aria-hidden="true">${ba(e)}</span>
    <span class="step-text" dir="auto">${va(e)}</span>
    <span class="step-notes">${r.filter(Boolean).join(` · `)}</span>
  </li>`}function ba(e){return e.status===`started`?I`<span class="dot"></span>`:e.status===`failed`?G.close:G.check}function xa(e,t){return e.attempt===void 0?``:e.of===void 0||e.of<=1?e.attempt>1?t.texts.get(`step_attempt_only`,{attempt:e.attempt}):``:t.texts.get(`step_attempt`,{attempt:e.attempt,of:e.of})}var Sa=class{#e;#t;#n=new Map;#r=``;#i=0;#a=0;#o=[];constructor(e,t){this.#e=e,this.#t=t}update(e){let t=e.replace(/\r\n?/g,`
`);t!==this.#r&&(t.startsWith(this.#r)||this.#s(),this.#r=t,this.#c(t.slice(this.#i)))}finish(e){e.includes(`]:`)&&this.#s(),this.update(e)}#s(){this.#n=new Map,this.#r=``,this.#i=0,this.#a=0,this.#o=[],this.#e.replaceChildren()}#c(e){let t=$n(e,this.#n),n=t.map((n,r)=>{let i=e.slice(t[r-1]?.end??0,n.end);return this.#l(n,i,this.#o[r])});this.#u(n),this.#d(n)}#l(e,t,n){return n?.raw===t||n&&Ca(e,n)?{block:e,raw:t,node:n.node}:{block:e,raw:t,node:Pr(e,this.#n,this.#t)}}#u(e){let t=this.#e.childNodes[this.#a]??null;for(let{node:n}of e)n===t?t=t.nextSibling:this.#e.insertBefore(n,t);for(;t;){let e=t;t=t.nextSibling,e.remove()}}#d(e){let t=Math.max(0,e.length-2);this.#i+=e[t-1]?.block.end??0,this.#a+=t,this.#o=e.slice(t)}};function Ca(e,{block:t,node:n}){if(e.kind!==`code`||t.kind!==`code`||e.language!==t.language)return!1;let r=n.querySelector(`code`);return r?(r.textContent=e.text,!0):!1}K(`chatstream-answer`,class extends HTMLElement{constructor(...e){super(...e),this.view=null,this.#e=null,this.#t=``,this.#n=!1,this.#r=!1}#e;#t;#n;#r;show(e,t){(e!==this.#t||t!==this.#n)&&(this.#t=e,this.#n=t,t?this.#a():this.#i())}#i(){this.#r||(this.#r=!0,requestAnimationFrame(()=>this.#a()))}#a(){this.#r=!1,this.view&&(this.#e??=new Sa(this,{images:this.view.images,copyLabel:this.view.texts.get(`copy`),copiedLabel:this.view.texts.get(`copied`)}),this.classList.toggle(`growing`,!this.#n),this.#n?this.#e.finish(this.#t):this.#e.update(this.#t))}});var wa=class extends fn{static{this.properties={entry:{attribute:!1},view:{attribute:!1},components:{attribute:!1,hasChanged:Oa},submits:{attribute:!1,hasChanged:Oa},retryable:{attribute:!1},liveIds:{attribute:!1,hasChanged:Oa},stepsOpen:{state:!0}}}#e;constructor(){super(),this.entry=null,this.view=null,this.components=[],this.submits=[],this.retryable=null,this.liveIds=[],this.stepsOpen=null,this.#e={},new gi(this,()=>(this.entry?.parts??[]).map(e=>e.kind===`component`?e.component.expires_at:void 0))}showAnswers(e){this.#e=e;for(let t of this.querySelectorAll(`chatstream-answer`)){let n=e[t.dataset.message??``];n&&!n.done&&t.show(n.text,!1)}}updated(e){this.showAnswers(this.#e);for(let e of this.entry?.parts??[])e.kind===`answer`&&e.response&&this.#t(e.messageId)?.show(e.response.content??``,!0)}#t(e){return[...this.querySelectorAll(`chatstream-answer`)].find(t=>t.dataset.message===e)??null}render(){let{entry:e,view:t}=this;if(!e||!t)return z;let n=[...e.parts,...this.liveIds.map(Ea)],r=n.some(e=>e.kind===`answer`);return I`<article class="message assistant" part="message assistant-message" aria-label=${`${t.texts.get(`assistant`)}, ${kt(e.startedAt,t.texts.locale)}`}>
      ${e.unasked?I`<p class="note">${G.bell}${t.texts.get(`unasked`)}</p>`:z}
      ${ha(e,t,{open:this.stepsOpen,answering:r},e=>this.stepsOpen=e)}
      ${On(n,Da,e=>this.#n(e,t))} ${this.#a(e,t)}
    </article>`}#n(e,t){switch(e.kind){case`answer`:return this.#i(e,t);case`component`:return ca(e.component,this.#r(e.component.component_id),t);case`error`:return Ta(e.error,t)}}#r(e){return{component:this.components.find(t=>t.component_id===e),submit:this.submits.find(({command:t})=>t.type===`submit`&&t.component_id===e)}}#i(e,t){let{response:n}=e;return n?.erased?I`<p class="note">${t.texts.get(`erased`)}</p>`:I`<div class="answer" part="answer">
      <chatstream-answer class="markdown" data-message=${e.messageId} .view=${t}></chatstream-answer>
      ${n?I`<footer>
              ${ni(n.timestamp,t)} ${ri(n.content??``,t)}
              ${n.stopped?I`<span class="note">${t.texts.get(`stopped`)}</span>`:z}
            </footer>`:z}
    </div>`}#a(e,t){let n=this.retryable,r=e.status===`failed`&&!e.parts.some(e=>e.kind===`error`),i=e.status===`cancelled`&&!e.parts.some(e=>e.kind===`answer`),a=r?t.texts.get(`error`):i?t.texts.get(`stopped`):``;return I`${a?I`<p class="note">${a}</p>`:z}
    ${n===null?z:I`<button type="button" class="quiet" part="retry" @click=${()=>t.actions.retry(n)}>
            ${G.retry}<span>${t.texts.get(`retry`)}</span>
          </button>`}`}};function Ta(e,t){let n=JSON.stringify({code:e.code,chat:e.user_chat_id,position:e.position,time:e.timestamp});return I`<div class="error" part="error">
    ${G.alert}
    <div>
      <p dir="auto">${e.message||t.texts.get(`error`)}</p>
      <p class="note">
        <code dir="ltr">${e.code}</code>
        ${ri(n,t,`copy_details`)}
      </p>
    </div>
  </div>`}function Ea(e){return{kind:`answer`,messageId:e,response:null}}function Da(e){switch(e.kind){case`answer`:return`answer ${e.messageId}`;case`component`:return e.component.event_id;case`error`:return e.error.event_id}}function Oa(e,t){return!Array.isArray(e)||!Array.isArray(t)?e!==t:e.length!==t.length||e.some((e,n)=>e!==t[n])}K(`chatstream-turn`,wa);var ka=240,Aa=class extends fn{static{this.properties={entries:{attribute:!1},chat:{attribute:!1},outbox:{attribute:!1},view:{attribute:!1},offlineReply:{attribute:!1},loadingEarlier:{state:!0}}}#e;#t;#n;constructor(){super(),this.entries=[],this.chat=null,this.outbox=[],this.view=null,this.offlineReply=()=>null,this.loadEarlier=()=>Promise.resolve(),this.loadingEarlier=!1,this.#e=null,this.#t=null,this.#n=new ResizeObserver(()=>this.keeper.stick()),this.keeper=new An(this,e=>this.#d(e));for(let e of[`scroll`,`wheel`])this.addEventListener(e,()=>this.#l(),{passive:!0});this.#n.observe(this)}showAnswers(e){this.#t?.showAnswers(e.answers)}willUpdate(e){let t=e.get(`chat`),n=t&&t.user_chat_id===this.chat?.user_chat_id&&t.from>this.chat.from;this.#e=n&&!this.keeper.attached?this.keeper.hold():null}updated(){this.#t=this.querySelector(`chatstream-turn.running`),this.chat&&this.showAnswers(this.chat),this.firstElementChild&&this.#n.observe(this.firstElementChild),this.keeper.stick();let e=this.#e;e?.(),e&&requestAnimationFrame(e)}render(){let{chat:e,view:t}=this;return!e||!t?z:I`<div class="log-inner">
      ${this.#a(e,t)} ${this.#r(e,t)}
      ${On(this.#i(),({command:e})=>e.id,e=>ci(e,t,this.offlineReply))}
    </div>`}#r(e,t){let n=rn(this.entries),r=n=>I`<div class="chunk">${On(n,Pa,n=>this.#o(n,e,t))}</div>`;return On(n,({key:e})=>e,({entries:i},a)=>a>=n.length-2?_n([{}],()=>r(i)):_n([t,e.status,e.components,...this.outbox,...i],()=>r(i)))}#i(){return this.outbox.filter(({command:e,status:t})=>e.type===`send`||e.type!==`submit`&&t===`failed`)}#a(e,t){if(e.from===0)return z;let n=t.texts.get(this.loadingEarlier?`loading_earlier`:`load_earlier`);return I`<button
      type="button"
      class="quiet earlier"
      ?disabled=${this.loadingEarlier}
      @click=${()=>void this.#u()}
    >
      ${n}
    </button>`}#o(e,t,n){switch(e.kind){case`day`:return Xr(e.timestamp,n);case`marks`:return Zr(e.marks,t,n);case`user`:return ai(e.event,this.#s(e.event.message_id,t),n);case`submitted`:return oi(e.event,t,n);case`turn`:return this.#c(e,t,n)}}#s(e,t){return t.turn!==null&&!(e in t.turns)}#c(e,t,n){let r=e.parts.flatMap(e=>e.kind===`component`?[e.component.component_id]:[]);return I`<chatstream-turn
      class="entry ${e.status}"
      .entry=${e}
      .view=${n}
      .components=${r.map(e=>t.components[e]).filter(e=>e!==void 0)}
      .submits=${this.outbox.filter(({command:e})=>e.type===`submit`&&r.includes(e.component_id))}
      .retryable=${ja(e,t)}
      .liveIds=${e.key===t.turn?.message_id?Na(e,t):[]}
    ></chatstream-turn>`}#l(){this.scrollTop<ka&&!this.keeper.attached&&this.#u()}async#u(){if(!this.loadingEarlier&&this.chat&&this.chat.from!==0){this.loadingEarlier=!0;try{await this.loadEarlier()}finally{this.loadingEarlier=!1}}}#d(e){this.dispatchEvent(new CustomEvent(`chatstream-attached`,{detail:e}))}};function ja(e,t){if(t.turn||t.status!==`open`||e.status===`running`||e.status===`needs_input`)return null;let n=t.events.findLast(e=>e.type===`user`),r=t.turns[e.key];if(n?.type!==`user`||!r||(r.retry_of??e.key)!==n.message_id||Ma(n.message_id,t)!==e.key)return null;let i=t.intents[r.user_intent_id??``]?.status===`complete`;return e.status===`finished`&&i?null:n.message_id}function Ma(e,{events:t,turns:n}){return t.findLast(({type:t,caused_by:r=``})=>t===`turn`&&(n[r]?.retry_of??r)===e)?.caused_by}function Na(e,t){let n=e.parts.flatMap(e=>e.kind===`answer`?[e.messageId]:[]);return Object.keys(t.answers).filter(e=>!t.answers[e]?.done&&!n.includes(e))}function Pa(e){return`${e.kind} ${e.key}`}K(`chatstream-log`,Aa);var Fa=[`chatstream-log`,`.form.open, .resume`,`chatstream-composer`],Ia=`input, select, textarea, button`;function La(e,t){let n=Fa.map(t=>[...e.querySelectorAll(t)].at(-1)).filter(e=>e!==void 0),r=n.findLastIndex(t=>t.contains(e.activeElement)),i=n[((r<0&&t<0?0:r)+t+n.length)%n.length];i?.tabIndex===0?i.focus():i?.querySelector(Ia)?.focus()}var Ra=`chatstream`,za=`chats`,Ba=class{#e;#t=null;constructor(e){this.#e=e}async load(e){let t=await this.#r(`readonly`,t=>t.get(this.#n(e)));return Array.isArray(t)?t:[]}async save(e,t){let n=t.slice(-200);await this.#r(`readwrite`,t=>n.length>0?t.put(n,this.#n(e)):t.delete(this.#n(e)))}#n(e){return`${this.#e} ${e}`}async#r(e,t){try{return await Ha(t((await(this.#t??=Va())).transaction(za,e).objectStore(za)))}catch{return null}}};function Va(){let e=indexedDB.open(Ra,1);return e.onupgradeneeded=()=>e.result.createObjectStore(za),Ha(e)}function Ha(e){return new Promise((t,n)=>{e.onsuccess=()=>t(e.result),e.onerror=()=>n(e.error??Error(`IndexedDB refused`))})}var Ua={server:{},chat:{},heading:{},placeholder:{},connect:{},thinking:{},images:{type:Boolean},layout:{reflect:!0},theme:{reflect:!0},cache:{},closable:{type:Boolean},idleCloseMs:{type:Number,attribute:`idle-close-ms`},strings:{attribute:`strings`,converter:Ga({})},suggestions:{converter:Ga([])},offlineReplies:{attribute:`offline-replies`,converter:Ga([])}};function Wa(e,t){let n=e.toLocaleLowerCase();return t.find(({words:e=[]})=>e.length===0||e.some(e=>n.includes(e.toLocaleLowerCase())))?.reply??null}function Ga(e){return{fromAttribute:t=>{try{return t===null?e:JSON.parse(t)}catch{return e}}}}var Ka={assistant:`Assistant`,you:`You`,chat_label:`Chat`,log_label:`Conversation`,open_chat:`Open chat`,close_chat:`Close chat`,unread_one:`{count} unread message`,unread_other:`{count} unread messages`,empty_title:`How can I help?`,empty_text:`Ask a question or say what you would like to get done.`,loading:`Loading the conversation …`,load_earlier:`Show earlier messages`,loading_earlier:`Loading earlier messages …`,jump_to_latest:`Jump to latest`,new_messages_one:`{count} new message`,new_messages_other:`{count} new messages`,composer_label:`Message`,composer_placeholder:`Write a message …`,composer_closed:`This chat has been closed.`,composer_too_long:`This message is too long to be sent.`,send:`Send`,stop:`Stop`,stopped:`Stopped`,retry:`Try again`,copy:`Copy`,copied:`Copied`,copy_details:`Copy details`,sending:`Sending …`,waiting:`Will be sent when you are back online`,queued:`Waits for its turn`,not_sent:`Not sent`,expired:`Not sent. Send again?`,send_again:`Send again`,discard:`Discard`,thinking:`Thinking`,steps_one:`{count} step`,steps_other:`{count} steps`,steps_summary:`{steps}, {duration}`,milliseconds:`{count} ms`,seconds:`{count} s`,minutes:`{minutes} min {seconds} s`,step_attempt:`attempt {attempt} of {of}`,step_attempt_only:`attempt {attempt}`,step_failed:`failed`,unasked:`Reminder`,restarted:`The server restarted; the answer was begun anew.`,offline:`You are offline. What you write is kept and sent later.`,cached:`You see what was saved on this device.`,reconnecting:`Connection lost. Reconnecting …`,reconnecting_in:`Connection lost. Next try in {seconds} s.`,retry_now:`Retry now`,signed_out:`You have been signed out. Sign in again to go on.`,sign_in:`Sign in again`,update_needed:`This page is out of date. Reload it to go on.`,reload:`Reload`,chat_not_found:`This chat was not found.`,task:`Current task`,task_waiting:`{task}, waiting for: {missing}`,task_done:`Task complete: {task}`,task_new:`New task`,task_set_aside:`Set aside: {task}`,task_set_aside_idle:`Set aside after a pause: {task}`,task_resumed:`Back to: {task}`,task_asked:`You were asked: {question}`,chat_closed:`Chat closed`,chat_erased:`This conversation was erased`,erased:`Erased`,resume_heading:`Pick up where you left off?`,resume_filled:`Already filled in`,resume_when:`Last active {when}`,resume_continue:`Continue`,resume_start_over:`Start over`,resume_dismiss:`Dismiss`,resume_more_one:`{count} more unfinished`,resume_more_other:`{count} more unfinished`,form_submit:`Submit`,form_sending:`Sending …`,form_submitted:`Submitted`,form_invalid_one:`Please check {count} field`,form_invalid_other:`Please check {count} fields`,form_required:`Please fill this in`,form_bad_value:`Please check this value`,form_bad_format:`Please enter a valid {format}`,form_minimum:`Must be at least {limit}`,form_maximum:`Must be at most {limit}`,form_min_length:`Must have at least {limit} characters`,form_max_length:`Must have at most {limit} characters`,form_choose:`Please choose`,form_optional:`optional`,form_yes:`Yes`,form_no:`No`,form_not_given:`Not given`,closed_expired:`This has expired.`,closed_superseded:`A newer question has replaced this one.`,closed_complete:`The task is complete.`,closed_chat:`The chat has been closed.`,closed_other:`This can no longer be answered.`,unknown_component:`This part of the answer ({kind}) cannot be shown here.`,error:`Something went wrong`,offline_reply:`Automatic reply while offline`,chats:`Your chats`,new_chat:`New chat`,close_list:`Close list`,back:`Back`,untitled_chat:`New chat`,unfinished:`Unfinished`,no_chats:`No chats yet.`,chats_failed:`The list could not be loaded.`,answering:`Assistant is answering`,answer_failed:`The answer failed`,today:`Today`,yesterday:`Yesterday`},qa=class{#e;#t;constructor(e,t={}){this.locale=Ya(e),this.#e={...Ka,...t},this.#t=new Intl.PluralRules(this.locale)}get(e,t={}){return Ja(this.#e[e]??Ka[e],t)}count(e,t){return Ja(this.#e[`${e}_${this.#t.select(t)}`]??this.#e[`${e}_other`]??``,{count:new Intl.NumberFormat(this.locale).format(t)})}};function Ja(e,t){return e.replace(/\{(\w+)\}/g,(e,n)=>String(t[n]??e))}function Ya(e){try{return Intl.getCanonicalLocales(e)[0]??`en`}catch{return`en`}}var Xa=u`
  .markdown {
    display: block;
    overflow-wrap: anywhere;
  }
  .markdown > * {
    margin-block: 0 0.7em;
  }
  .markdown > :last-child {
    margin-block-end: 0;
  }
  .markdown.growing > p:last-child::after,
  .markdown.growing > :is(ol, ul):last-child > li:last-child::after {
    content: '';
    display: inline-block;
    width: 0.5em;
    height: 1em;
    margin-inline-start: 0.2em;
    border-radius: 2px;
    background: var(--accent);
    vertical-align: -0.12em;
    animation: chatstream-pulse 1.1s ease-in-out infinite;
  }
  .markdown .heading {
    font-weight: 650;
    line-height: 1.3;
    margin-block-start: 0.9em;
  }
  .markdown .heading:first-child {
    margin-block-start: 0;
  }
  .markdown .h1 {
    font-size: 1.3em;
  }
  .markdown .h2 {
    font-size: 1.18em;
  }
  .markdown .h3 {
    font-size: 1.08em;
  }
  .markdown a {
    color: var(--link);
    text-underline-offset: 2px;
  }
  .markdown :is(ul, ol) {
    padding-inline-start: 1.5em;
    list-style: revert;
  }
  .markdown ol {
    list-style: decimal;
  }
  .markdown ul {
    list-style: disc;
  }
  .markdown li + li {
    margin-block-start: 0.2em;
  }
  .markdown li.task {
    list-style: none;
    margin-inline-start: -1.3em;
  }
  .markdown blockquote {
    margin-inline: 0;
    padding-inline-start: 0.9em;
    border-inline-start: 3px solid var(--border);
    color: var(--muted);
  }
  .markdown hr {
    border: 0;
    border-block-start: 1px solid var(--border);
  }
  .markdown img {
    max-width: 100%;
    border-radius: 8px;
  }
  .markdown code {
    font:
      0.88em / 1.5 ui-monospace,
      'SF Mono',
      Menlo,
      Consolas,
      'Noto Sans Mono',
      monospace;
    padding: 0.1em 0.35em;
    border-radius: 6px;
    background: var(--surface);
    border: 1px solid var(--border);
    unicode-bidi: isolate;
  }
  .markdown .code {
    border: 1px solid var(--border);
    border-radius: calc(var(--radius) * 0.72);
    background: var(--surface);
    overflow: hidden;
  }
  .code-bar {
    display: flex;
    align-items: center;
    justify-content: space-between;
    padding-inline: 12px 4px;
    color: var(--muted);
    font-size: 0.78em;
  }
  .code-copy {
    min-height: 28px;
    padding: 2px 10px;
    border: 0;
    background: none;
    color: var(--muted);
  }
  .markdown pre {
    margin: 0;
    padding: 2px 12px 12px;
    overflow-x: auto;
    text-align: left;
  }
  .markdown pre code {
    padding: 0;
    border: 0;
    background: none;
    white-space: pre;
    overflow-wrap: normal;
  }
  .markdown .table {
    overflow-x: auto;
    border: 1px solid var(--border);
    border-radius: calc(var(--radius) * 0.72);
  }
  .markdown table {
    border-collapse: collapse;
    width: 100%;
    font-size: 0.94em;
  }
  .markdown :is(th, td) {
    padding: 6px 12px;
    text-align: start;
    border-block-end: 1px solid var(--border);
    overflow-wrap: normal;
  }
  .markdown th {
    background: var(--surface);
    font-weight: 600;
  }
  .markdown tbody tr:last-child td {
    border: 0;
  }
  .markdown .align-center {
    text-align: center;
  }
  .markdown .align-right {
    text-align: end;
  }
`,Za=[u`
  :host {
    color-scheme: light dark;
    --font: var(--chatstream-font, system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif);
    --size: var(--chatstream-font-size, 0.9375rem);
    --radius: var(--chatstream-radius, 14px);
    --space: var(--chatstream-space, 16px);
    --background: var(--chatstream-background, light-dark(#ffffff, #15171d));
    --surface: var(--chatstream-surface, light-dark(#f5f6f9, #1f222b));
    --text: var(--chatstream-text, light-dark(#1b1e27, #e9ebf1));
    --muted: var(--chatstream-muted, light-dark(#5b6273, #a2aabb));
    --border: var(--chatstream-border, light-dark(#e3e6ee, #323744));
    --accent: var(--chatstream-accent, light-dark(#4353d8, #a3b1ff));
    --on-accent: var(--chatstream-on-accent, light-dark(#ffffff, #10142e));
    --user: var(--chatstream-user, light-dark(#e9ecff, #2c335a));
    --on-user: var(--chatstream-on-user, light-dark(#1c2250, #eef0ff));
    --danger: var(--chatstream-danger, light-dark(#b3261e, #ffb4ab));
    --link: var(--chatstream-link, light-dark(#3646c5, #b3beff));
    --good: light-dark(#1a7a4b, #7ad6a4);
    --soft: color-mix(in srgb, var(--accent) 9%, transparent);
    --shadow: 0 1px 2px rgb(20 24 40 / 6%), 0 6px 20px rgb(20 24 40 / 8%);
    --small: 0.8125em;
  }
  :host([theme='light']) {
    color-scheme: light;
  }
  :host([theme='dark']) {
    color-scheme: dark;
  }
`,u`
  :host {
    display: block;
    box-sizing: border-box;
    font: var(--size) / 1.5 var(--font);
    color: var(--text);
    background: var(--background);
    text-align: start;
    -webkit-text-size-adjust: 100%;
  }
  :host([hidden]),
  [hidden] {
    display: none !important;
  }
  *,
  *::before,
  *::after {
    box-sizing: border-box;
  }
  p,
  ol,
  ul,
  dl,
  dd,
  fieldset {
    margin: 0;
    padding: 0;
    border: 0;
    min-width: 0;
  }
  ul {
    list-style: none;
  }
  .icon {
    width: 1.15em;
    height: 1.15em;
    flex: none;
  }
  button {
    font: inherit;
    color: inherit;
    cursor: pointer;
    display: inline-flex;
    align-items: center;
    justify-content: center;
    gap: 0.4em;
    min-height: 36px;
    padding: 6px 14px;
    border: 1px solid var(--border);
    border-radius: calc(var(--radius) * 0.72);
    background: var(--background);
    transition:
      background-color 120ms,
      border-color 120ms,
      transform 120ms;
  }
  button:hover:not(:disabled) {
    background: var(--surface);
  }
  button:active:not(:disabled) {
    transform: translateY(1px);
  }
  button:disabled {
    cursor: default;
    color: var(--muted);
  }
  button.primary {
    background: var(--accent);
    border-color: transparent;
    color: var(--on-accent);
    font-weight: 550;
  }
  button.primary:hover:not(:disabled) {
    background: color-mix(in srgb, var(--accent) 88%, var(--text));
  }
  button.primary:disabled {
    background: var(--surface);
    color: var(--muted);
    border-color: var(--border);
  }
  button.quiet,
  button.tool,
  button.link {
    border-color: transparent;
    background: none;
    color: var(--muted);
  }
  button.quiet {
    font-size: var(--small);
  }
  button.tool {
    padding: 0;
    width: 36px;
    height: 36px;
    flex: none;
  }
  button.quiet:hover:not(:disabled),
  button.tool:hover {
    color: var(--text);
    background: var(--surface);
  }
  button.link {
    min-height: 24px;
    padding: 0 4px;
    color: var(--link);
    text-decoration: underline;
    text-underline-offset: 2px;
    font-size: inherit;
  }
  button.tool.done {
    color: var(--good);
  }
  :focus-visible {
    outline: 2px solid var(--accent);
    outline-offset: 2px;
  }
  .note {
    color: var(--muted);
    font-size: var(--small);
    overflow-wrap: anywhere;
  }
  .note .icon {
    vertical-align: -0.22em;
    margin-inline-end: 0.35em;
  }
  .note.bad {
    color: var(--danger);
  }
  .note.good {
    color: var(--good);
  }
  .offscreen {
    position: absolute;
    width: 1px;
    height: 1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
  @media (prefers-reduced-motion: reduce) {
    *,
    *::before,
    *::after {
      animation: none !important;
      transition: none !important;
    }
  }
  @media (forced-colors: active) {
    button {
      border-color: ButtonText;
    }
    /* What a colour says elsewhere, a line says here. */
    .bubble,
    .badge,
    .error {
      outline: 1px solid;
      outline-offset: -1px;
    }
    .message.waiting .bubble {
      outline-style: dashed;
    }
    .message.failed .bubble,
    [aria-current],
    [aria-pressed='true'] {
      outline: 3px double;
      outline-offset: -3px;
    }
    .task::before,
    .dot,
    .pulse {
      forced-color-adjust: none;
      background: CanvasText !important;
    }
  }
`],Qa=u`
  .composer {
    position: relative;
    display: flex;
    align-items: flex-end;
    gap: 8px;
    padding: 10px var(--space) var(--space);
    padding-block-end: max(var(--space), env(safe-area-inset-bottom));
  }
  .composer textarea {
    flex: 1;
    min-width: 0;
    min-height: 46px;
    max-height: 180px;
    padding: 11px 52px 11px 16px;
    font: inherit;
    font-size: max(16px, 1em);
    line-height: 1.4;
    color: var(--text);
    background: var(--background);
    border: 1px solid color-mix(in srgb, var(--muted) 50%, var(--background));
    border-radius: calc(var(--radius) + 9px);
    resize: none;
    box-shadow: var(--shadow);
  }
  .chat:dir(rtl) .composer textarea {
    padding: 11px 16px 11px 52px;
  }
  .composer textarea::placeholder {
    color: var(--muted);
    opacity: 1;
  }
  .composer textarea:focus-visible {
    outline-offset: 0;
    border-color: transparent;
  }
  .composer .round {
    position: absolute;
    inset-inline-end: calc(var(--space) + 5px);
    inset-block-end: calc(max(var(--space), env(safe-area-inset-bottom)) + 5px);
    width: 36px;
    height: 36px;
    min-height: 36px;
    padding: 0;
    border-radius: 50%;
    border-color: transparent;
    background: var(--accent);
    color: var(--on-accent);
  }
  .composer .round[aria-disabled='true'] {
    background: var(--surface);
    color: var(--muted);
  }
  .composer.closed {
    align-items: center;
    justify-content: space-between;
    border-block-start: 1px solid var(--border);
  }
  @media (forced-colors: active) {
    .composer .round {
      border-color: ButtonText;
    }
  }
`,$a=u`
  chatstream-form {
    display: block;
  }
  .form,
  .placeholder {
    max-width: 460px;
    padding: 16px;
    border: 1px solid var(--border);
    border-radius: var(--radius);
    background: var(--background);
    box-shadow: var(--shadow);
  }
  .form.submitted,
  .form.closed,
  .placeholder {
    box-shadow: none;
    background: var(--surface);
  }
  .placeholder {
    border-style: dashed;
  }
  .form :is(form, .plain),
  .form.submitted {
    display: grid;
    gap: 14px;
  }
  .form.submitted {
    gap: 8px;
  }
  .component-title {
    font-weight: 620;
    overflow-wrap: anywhere;
  }
  .form.closed .component-title {
    color: var(--muted);
  }
  .field,
  .options {
    display: grid;
    gap: 5px;
  }
  .field > label,
  legend {
    padding: 0;
    font-weight: 550;
    font-size: 0.93em;
  }
  .optional {
    color: var(--muted);
    font-weight: 400;
    font-size: 0.9em;
  }
  .hint {
    color: var(--muted);
    font-size: var(--small);
  }
  .group {
    display: grid;
    gap: 12px;
    padding: 12px;
    border: 1px solid var(--border);
    border-radius: calc(var(--radius) * 0.72);
  }
  .options legend {
    margin-block-end: 5px;
  }
  .option {
    display: flex;
    align-items: center;
    gap: 8px;
    min-height: 30px;
    cursor: pointer;
  }
  .option input {
    width: 18px;
    height: 18px;
    margin: 0;
    flex: none;
    accent-color: var(--accent);
  }
  .form :is(input:not([type='checkbox'], [type='radio']), select, textarea) {
    width: 100%;
    min-height: 40px;
    padding: 8px 12px;
    font: inherit;
    font-size: max(16px, 1em);
    color: var(--text);
    background: var(--background);
    border: 1px solid color-mix(in srgb, var(--muted) 62%, var(--background));
    border-radius: calc(var(--radius) * 0.72);
  }
  .form textarea {
    resize: vertical;
  }
  .form :is(input, select, textarea):focus-visible {
    outline-offset: 0;
  }
  .form [aria-invalid='true'] {
    border-color: var(--danger) !important;
  }
  .form .primary {
    justify-self: start;
    min-height: 40px;
    padding-inline: 22px;
  }
  .buttons {
    display: grid;
    gap: 8px;
  }
  .buttons .button-row button {
    border-color: color-mix(in srgb, var(--accent) 45%, var(--border));
    color: var(--link);
    border-radius: 999px;
    overflow-wrap: anywhere;
  }
  .buttons .button-row button:disabled {
    border-color: var(--border);
    color: var(--muted);
  }
  .buttons .button-row button[aria-pressed='true'] {
    background: var(--soft);
    border-color: var(--accent);
    color: var(--text);
  }
`,eo=[Za,u`
  :host {
    height: 100%;
    min-height: 0;
    container: chat / inline-size;
  }
  .chat {
    position: relative;
    display: flex;
    height: 100%;
    min-height: 0;
    overflow: hidden;
    border-radius: inherit;
  }
  .main {
    flex: 1;
    min-width: 0;
    display: flex;
    flex-direction: column;
  }
  .header {
    display: flex;
    align-items: center;
    gap: 6px;
    padding: 10px 12px;
    padding-block-start: max(10px, env(safe-area-inset-top));
    border-block-end: 1px solid var(--border);
    background: var(--background);
  }
  .header-text {
    flex: 1;
    min-width: 0;
    padding-inline: 4px;
  }
  .title {
    font-weight: 620;
    line-height: 1.35;
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
  }
  .task {
    display: flex;
    align-items: center;
    gap: 6px;
    font-size: var(--small);
    line-height: 1.35;
    color: var(--link);
  }
  /* Cut at the end of its own direction. */
  .task bdi {
    min-width: 0;
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
  }
  .task::before {
    content: '';
    flex: none;
    width: 7px;
    height: 7px;
    border-radius: 50%;
    background: var(--accent);
  }

  .banner {
    display: flex;
    flex: none;
    flex-wrap: wrap;
    align-items: center;
    gap: 0 8px;
    max-height: 35%;
    overflow: auto;
    padding: 8px var(--space);
    font-size: var(--small);
    background: light-dark(#fff6e0, #3a2f14);
    color: light-dark(#5c4300, #ffe3a3);
    border-block-end: 1px solid light-dark(#f0dfb1, #5a4a1f);
  }
  .banner.quiet {
    padding: 0;
    border: 0;
  }
  .banner-text {
    flex: 1 1 9em;
    min-width: 0;
  }
  .banner button.link {
    color: inherit;
    font-weight: 600;
    white-space: nowrap;
  }
  .banner.signed_out,
  .banner.update_needed {
    background: light-dark(#fdeceb, #43211e);
    color: light-dark(#7c1a14, #ffd9d4);
    border-color: light-dark(#f3cfcc, #6a332e);
  }

  .stage {
    position: relative;
    flex: 1;
    min-height: 0;
    display: flex;
    flex-direction: column;
  }
  .empty {
    position: absolute;
    inset: 0;
    z-index: 1;
    display: flex;
    flex-direction: column;
    align-items: center;
    justify-content: safe center;
    gap: 8px;
    padding: calc(var(--space) * 1.5);
    text-align: center;
    overflow: auto;
  }
  .empty-mark {
    display: grid;
    place-items: center;
    width: 56px;
    height: 56px;
    margin-block-end: 8px;
    border-radius: 50%;
    background: var(--soft);
    color: var(--accent);
  }
  .empty-mark .icon {
    width: 28px;
    height: 28px;
  }
  .empty-title {
    font-size: 1.3em;
    font-weight: 640;
    letter-spacing: -0.01em;
  }
  .button-row {
    display: flex;
    flex-wrap: wrap;
    gap: 8px;
  }
  .button-row.center {
    justify-content: center;
    margin-block-start: 14px;
  }
  .suggestion {
    border-radius: 999px;
    padding-inline: 16px;
  }

  .jump {
    position: absolute;
    inset-block-end: 12px;
    inset-inline: 0;
    margin-inline: auto;
    width: fit-content;
    z-index: 1;
    border-radius: 999px;
    box-shadow: var(--shadow);
    font-size: var(--small);
  }
  .jump.unread {
    background: var(--accent);
    color: var(--on-accent);
    border-color: transparent;
  }

  .resume {
    margin: 0 var(--space);
    width: auto;
    max-height: 46%;
    overflow: auto;
    padding: 14px;
    border: 1px solid color-mix(in srgb, var(--accent) 32%, var(--border));
    border-radius: var(--radius);
    background: color-mix(in srgb, var(--accent) 5%, var(--background));
  }
  .resume-heading {
    display: flex;
    align-items: center;
    gap: 6px;
    color: var(--link);
    font-size: var(--small);
    font-weight: 600;
  }
  .resume-task {
    display: grid;
    gap: 6px;
    padding-block-start: 6px;
  }
  .resume-task + .resume-task {
    margin-block-start: 12px;
    padding-block-start: 12px;
    border-block-start: 1px solid var(--border);
  }
  .resume-name {
    font-weight: 620;
    font-size: 1.05em;
    overflow-wrap: anywhere;
  }
  .resume-question {
    padding-inline-start: 10px;
    border-inline-start: 3px solid color-mix(in srgb, var(--accent) 40%, transparent);
  }
  .resume .button-row {
    margin-block-start: 6px;
  }
  .resume .more {
    margin-block-start: 8px;
    font-size: var(--small);
  }
  .facts {
    display: flex;
    flex-wrap: wrap;
    gap: 4px 18px;
  }
  .facts > div {
    display: flex;
    gap: 6px;
    min-width: 0;
  }
  .facts dt {
    color: var(--muted);
  }
  .facts dt::after {
    content: ':';
  }
  .facts dd {
    font-weight: 550;
    overflow-wrap: anywhere;
  }

  .aside {
    position: absolute;
    inset-block: 0;
    inset-inline-start: 0;
    z-index: 3;
    display: none;
    width: min(300px, 86%);
    background: var(--background);
    border-inline-end: 1px solid var(--border);
    box-shadow: var(--shadow);
    overflow: auto;
  }
  .aside.open {
    display: block;
  }
  .scrim {
    position: absolute;
    inset: 0;
    z-index: 2;
    background: rgb(10 12 20 / 32%);
  }
  .list {
    display: grid;
    gap: 10px;
    padding: 12px;
  }
  .list-head {
    display: flex;
    align-items: center;
    justify-content: space-between;
    min-height: 36px;
  }
  .list-title {
    font-weight: 620;
    padding-inline-start: 6px;
  }
  .list ul {
    display: grid;
    gap: 2px;
  }
  .pad {
    padding-inline: 8px;
  }
  .chat-row {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    justify-items: start;
    gap: 2px;
    width: 100%;
    padding: 8px 10px;
    border-color: transparent;
    background: none;
    text-align: start;
  }
  .chat-row[aria-current] {
    background: var(--soft);
  }
  .chat-name {
    max-width: 100%;
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
  }
  .chat-meta {
    display: flex;
    gap: 8px;
    align-items: center;
    color: var(--muted);
    font-size: var(--small);
  }
  .badge {
    padding: 0 8px;
    border-radius: 999px;
    background: light-dark(#fff1cf, #3a2f14);
    color: light-dark(#5c4300, #ffe3a3);
    font-size: 0.92em;
  }

  :host([layout='page']) .log-inner,
  :host([layout='page']) .resume,
  :host([layout='page']) .composer {
    width: 100%;
    max-width: 760px;
    margin-inline: auto;
  }
  :host([layout='page']) .resume {
    max-width: calc(760px - 2 * var(--space));
  }
  :host([layout='page']) .message.assistant {
    max-width: 100%;
  }
  @container chat (min-width: 900px) {
    :host([layout='page']) .aside {
      position: static;
      display: block;
      flex: none;
      width: 272px;
      box-shadow: none;
      background: var(--surface);
    }
    :host([layout='page']) :is(.list-toggle, .list-close, .scrim) {
      display: none;
    }
  }
  @container chat (max-width: 820px) {
    :host([layout='page']) .resume {
      width: auto;
      margin-inline: var(--space);
    }
  }
`,u`
  .log {
    display: block;
    flex: 1;
    min-height: 0;
    overflow-y: auto;
    overscroll-behavior: contain;
    scrollbar-width: thin;
    scrollbar-color: var(--border) transparent;
  }
  .log:focus-visible {
    outline-offset: -3px;
  }
  /* Blocks, not a flex column: one that grows then costs no layout of all the others. */
  .log-inner {
    padding: var(--space);
    padding-block-start: max(0px, var(--space) - 14px);
  }
  .chunk {
    content-visibility: auto;
    contain-intrinsic-size: auto 6000px;
    overflow-clip-margin: 28px;
  }
  .chunk:last-of-type {
    content-visibility: visible;
  }
  /* A margin of its own: with "* + *", a block that is added to an answer has all of it styled again. */
  .entry {
    margin-block-start: 14px;
    content-visibility: auto;
    overflow-clip-margin: 28px;
    contain-intrinsic-size: auto 96px;
  }
  chatstream-turn {
    display: block;
  }
  chatstream-turn.running {
    content-visibility: visible;
  }
  .earlier {
    display: flex;
    margin-inline: auto;
  }

  .message.user {
    width: fit-content;
    margin-inline-start: auto;
    display: grid;
    justify-items: end;
    max-width: min(86%, 600px);
  }
  .bubble {
    padding: 9px 14px;
    border-radius: var(--radius) var(--radius) calc(var(--radius) * 0.35) var(--radius);
    background: var(--user);
    color: var(--on-user);
    white-space: pre-wrap;
    overflow-wrap: anywhere;
  }
  .chat:dir(rtl) .bubble {
    border-radius: var(--radius) var(--radius) var(--radius) calc(var(--radius) * 0.35);
  }
  .message.waiting .bubble,
  .message.failed .bubble {
    background: none;
    color: var(--text);
    box-shadow: inset 0 0 0 1.5px var(--border);
  }
  .message.failed .bubble {
    box-shadow: inset 0 0 0 1.5px var(--danger);
  }
  .message footer {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 2px 8px;
    min-height: 26px;
    padding-inline: 4px;
    color: var(--muted);
    font-size: 0.75em;
  }
  .message footer .note {
    font-size: inherit;
  }
  .message footer .tool {
    width: 26px;
    height: 26px;
    min-height: 26px;
    font-size: 1.05em;
    opacity: 0;
  }
  .message:is(:hover, :focus-within) footer .tool,
  .message footer .tool:is(.done, :focus-visible) {
    opacity: 1;
  }
  @media (hover: none) {
    .message footer .tool {
      opacity: 1;
    }
  }
  .message.user footer {
    justify-content: end;
  }
  .message.assistant {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    gap: 10px;
    max-width: min(100%, 680px);
  }
  .answer > footer {
    padding-inline: 0;
    margin-block-start: 2px;
  }
  .message.canned {
    padding: 10px 14px;
    border: 1px dashed var(--border);
    border-radius: var(--radius);
    background: var(--surface);
    gap: 4px;
  }
  .message > .quiet {
    justify-self: start;
    padding-inline: 8px;
    margin-inline-start: -8px;
  }

  .steps {
    font-size: var(--small);
    color: var(--muted);
  }
  .steps summary {
    display: flex;
    align-items: center;
    gap: 8px;
    width: fit-content;
    max-width: 100%;
    min-height: 28px;
    padding-inline: 2px 8px;
    border-radius: 8px;
    cursor: pointer;
    list-style: none;
    user-select: none;
  }
  .steps summary::-webkit-details-marker {
    display: none;
  }
  .steps summary:hover {
    color: var(--text);
  }
  .steps summary .icon {
    transition: transform 120ms;
  }
  .chat:dir(rtl) .steps:not([open]) summary .icon {
    transform: scaleX(-1);
  }
  .steps[open] summary .icon {
    transform: rotate(90deg);
  }
  .steps-line {
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
  }
  .steps ol {
    display: grid;
    gap: 2px;
    list-style: none;
    margin-block: 4px 2px;
    margin-inline-start: 8px;
    padding-inline-start: 14px;
    border-inline-start: 2px solid var(--border);
  }
  .step {
    display: flex;
    align-items: baseline;
    gap: 8px;
    line-height: 1.5;
  }
  .step-mark {
    flex: none;
    width: 14px;
    align-self: start;
    text-align: center;
    color: var(--good);
  }
  .step-mark .icon {
    width: 14px;
    height: 14px;
    vertical-align: -2px;
    stroke-width: 2.5;
  }
  .step.failed .step-mark,
  .step.failed .step-notes {
    color: var(--danger);
  }
  .step-text {
    min-width: 0;
    overflow-wrap: anywhere;
    color: var(--text);
  }
  .step.completed .step-text {
    color: var(--muted);
  }
  .step-notes {
    margin-inline-start: auto;
    padding-inline-start: 12px;
    white-space: nowrap;
    font-variant-numeric: tabular-nums;
    font-size: 0.94em;
  }
  .dot,
  .pulse {
    display: inline-block;
    width: 8px;
    height: 8px;
    border-radius: 50%;
    background: var(--accent);
    animation: chatstream-pulse 1.4s ease-in-out infinite;
  }
  .pulse {
    flex: none;
    margin-inline: 5px 3px;
  }
  @keyframes chatstream-pulse {
    50% {
      opacity: 0.35;
      transform: scale(0.8);
    }
  }

  .divider {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    justify-content: center;
    gap: 4px 16px;
    color: var(--muted);
    font-size: var(--small);
    text-align: center;
  }
  .divider::before,
  .divider::after {
    content: '';
    flex: 1;
    min-width: 12px;
    border-block-start: 1px solid var(--border);
  }
  .divider.day::before,
  .divider.day::after {
    border: 0;
  }
  .mark {
    display: grid;
    justify-items: center;
    gap: 2px;
    max-width: 80%;
  }
  .mark-label {
    display: inline-flex;
    align-items: center;
    gap: 6px;
    min-width: 0;
  }
  .mark-label > span {
    overflow-wrap: anywhere;
  }
  .mark.complete .mark-label {
    color: var(--good);
    font-weight: 550;
  }
  .mark.new .mark-label,
  .mark.resumed .mark-label {
    color: var(--link);
    font-weight: 550;
  }
  .mark-asked {
    color: var(--text);
    overflow-wrap: anywhere;
  }

  .error {
    display: flex;
    gap: 10px;
    align-items: flex-start;
    padding: 10px 14px;
    border-radius: var(--radius);
    background: light-dark(#fdeceb, #3a1f1d);
    color: light-dark(#7c1a14, #ffd9d4);
    overflow-wrap: anywhere;
  }
  .error > div {
    flex: 1;
    min-width: 0;
  }
  .error .icon {
    margin-block-start: 3px;
  }
  .error .note,
  .error .tool,
  .error button.link {
    color: inherit;
  }
  .error .note {
    display: flex;
    align-items: center;
    gap: 4px;
  }
  .error .tool {
    width: 26px;
    height: 26px;
    min-height: 26px;
  }
`,Xa,$a,Qa];function to(e,t){let n=no(e);return I`<div role="status" class="banner ${n??`quiet`}" part="banner">
    ${n===null?z:I`${G.offline}<span class="banner-text">${io(n,e,t)}</span>
            ${ao(n,e,t)}`}
  </div>`}function no({connection:e,down:t}){switch(e.status){case`closed`:return ro(e.reason);case`offline`:return t?`offline`:null;case`waiting`:case`connecting`:case`catching_up`:return t?`reconnecting`:null;case`idle`:case`live`:return null}}function ro(e){switch(e){case`left`:return null;case`unauthenticated`:return`signed_out`;case`protocol`:return`update_needed`;case`not_found`:return`chat_not_found`}}function io(e,{connection:t,cached:n},r){let{texts:i}=r,a=n&&e!==`signed_out`?` ${i.get(`cached`)}`:``;if(t.status!==`waiting`)return I`${i.get(e)}${a}`;let o=Math.max(1,Math.ceil((t.retry_at-Date.now())/1e3));return I`<span aria-hidden="true">${i.get(`reconnecting_in`,{seconds:o})}${a}</span>
    <span class="offscreen">${i.get(e)}${a}</span>`}function ao(e,t,n){let r=(e,t)=>I`<button type="button" class="link" @click=${t}>${n.texts.get(e)}</button>`;return e===`signed_out`?r(`sign_in`,t.onSignIn):e===`update_needed`?r(`reload`,()=>location.reload()):e===`chat_not_found`?r(`new_chat`,()=>n.actions.openChat(null)):r(`retry_now`,t.onRetry)}function oo(e,t){let{texts:n,actions:r}=t;return I`<nav class="list" part="chat-list" aria-label=${n.get(`chats`)}>
    <div class="list-head">
      <p class="list-title">${n.get(`chats`)}</p>
      <button
        type="button"
        class="tool list-close"
        aria-label=${n.get(`close_list`)}
        @click=${e.onClose}
      >
        ${G.close}
      </button>
    </div>
    <button type="button" class="new-chat" @click=${()=>r.openChat(null)}>
      ${G.plus}<span>${n.get(`new_chat`)}</span>
    </button>
    ${so(e,t)}
  </nav>`}function so({chats:e,currentId:t},n){return e===null?I`<p class="note pad">${n.texts.get(`loading`)}</p>`:e===`failed`?I`<p class="note pad">${n.texts.get(`chats_failed`)}</p>`:e.length===0?I`<p class="note pad">${n.texts.get(`no_chats`)}</p>`:I`<ul>
    ${On(e.filter(e=>e.title!==null||e.user_chat_id===t),co,e=>I`<li>${lo(e,t,n)}</li>`)}
  </ul>`}var co=e=>e.user_chat_id;function lo(e,t,n){let{texts:r,actions:i}=n,a=e.status===`open`&&e.intent!==null&&e.intent.status!==`complete`;return I`<button
    type="button"
    class="chat-row"
    part="chat-row"
    aria-current=${e.user_chat_id===t?`true`:z}
    @click=${()=>i.openChat(e.user_chat_id)}
  >
    <span class="chat-name" dir="auto">${uo(e,n)}</span>
    <span class="chat-meta">
      <time datetime=${e.last_activity_at}
        >${Pt(e.last_activity_at,r.locale,Date.now())}</time
      >
      ${a?I`<span class="badge" part="badge">${r.get(`unfinished`)}</span>`:z}
    </span>
  </button>`}function uo(e,t){return e.title?e.title:e.intent?.name?U(e.intent.name):t.texts.get(`untitled_chat`)}function fo(e,t,n){return I`<div class="empty" part="empty">
    <slot name="empty">
      <div class="empty-mark">${G.spark}</div>
      <p class="empty-title" dir="auto">${n.texts.get(`empty_title`)}</p>
      <p class="note" dir="auto">${n.texts.get(`empty_text`)}</p>
    </slot>
    ${e.length===0?z:I`<div class="button-row center">
            ${e.map(e=>I`<button
                  type="button"
                  class="suggestion"
                  part="suggestion"
                  dir="auto"
                  @click=${()=>t(e)}
                >
                  ${e}
                </button>`)}
          </div>`}
  </div>`}function po(e,t){let{texts:n,actions:r}=t;return I`<div class="header" part="header">
    <button
      type="button"
      class="tool list-toggle"
      aria-label=${n.get(`chats`)}
      title=${n.get(`chats`)}
      aria-expanded=${String(e.listOpen)}
      @click=${e.onToggleList}
    >
      ${G.list}
    </button>
    <div class="header-text">
      <slot name="header"
        ><p class="title"><bdi>${e.heading||n.get(`assistant`)}</bdi></p></slot
      >
      ${mo(e,t)}
    </div>
    <button
      type="button"
      class="tool"
      aria-label=${n.get(`new_chat`)}
      title=${n.get(`new_chat`)}
      @click=${()=>r.openChat(null)}
    >
      ${G.plus}
    </button>
    ${e.closable?I`<button
            type="button"
            class="tool"
            part="close"
            aria-label=${n.get(`close_chat`)}
            title=${n.get(`close_chat`)}
            @click=${e.onClose}
          >
            ${G.close}
          </button>`:z}
  </div>`}function mo({chat:e,entries:t},n){let r=e?Br(e):null;if(!e||!r)return z;let i=zr(r,n.texts),a=Vr(e,r,t),o=a?n.texts.get(`task_waiting`,{task:i,missing:a}):i;return I`<p class="task" part="task" title=${o}>
    <span class="offscreen">${n.texts.get(`task`)}: </span><bdi>${o}</bdi>
  </p>`}function ho(e,t,n,r){if(e)return z;let i=t>0?r.texts.count(`new_messages`,t):r.texts.get(`jump_to_latest`);return I`<button type="button" class="jump ${t>0?`unread`:``}" part="jump" @click=${n}>
    ${G.down}<span>${i}</span>
  </button>`}function go(e,t,n,r){let[i,...a]=e;return i?I`<section class="resume" part="resume-card" aria-label=${t.texts.get(`resume_heading`)}>
    <p class="resume-heading">${G.pause}${t.texts.get(`resume_heading`)}</p>
    ${vo(i,t)}
    ${n?a.map(e=>vo(e,t)):_o(a.length,t,r)}
  </section>`:z}function _o(e,t,n){return e===0?z:I`<button type="button" class="link more" @click=${n}>
    ${t.texts.count(`resume_more`,e)}
  </button>`}function vo(e,t){let{texts:n,actions:r}=t,i=e.user_intent_id,a=Pt(e.last_activity_at,n.locale,Date.now());return I`<div class="resume-task">
    <p class="resume-name" dir="auto">${zr(e,n)}</p>
    <p class="note"><time datetime=${e.last_activity_at}>${n.get(`resume_when`,{when:a})}</time></p>
    ${yo(e,t)}
    ${e.question?I`<p class="resume-question" dir="auto">${Hr(e.question.text)}</p>`:z}
    <div class="button-row">
      <button type="button" class="primary" @click=${()=>r.resumeTask(i)}>
        ${n.get(`resume_continue`)}
      </button>
      <button type="button" @click=${()=>r.startOver(i)}>${n.get(`resume_start_over`)}</button>
      <button type="button" class="quiet" @click=${()=>r.dismissTask(i)}>
        ${n.get(`resume_dismiss`)}
      </button>
    </div>
  </div>`}function yo(e,t){let n=qr(e.slots);return n.length===0?z:I`<dl class="facts" aria-label=${t.texts.get(`resume_filled`)}>
    ${n.map(([e,n])=>I`<div>
          <dt dir="auto">${e}</dt>
          <dd dir="auto">${Lt(n,t.texts)}</dd>
        </div>`)}
  </dl>`}var bo=class extends H{constructor(...e){super(...e),this.server=`/api/v1`,this.chat=``,this.heading=``,this.placeholder=``,this.connect=`mount`,this.thinking=`auto`,this.images=!1,this.layout=`panel`,this.theme=`auto`,this.cache=`on`,this.closable=!1,this.idleCloseMs=0,this.strings={},this.suggestions=[],this.offlineReplies=[],this.client=null,this.listOpen=!1,this.chats=null,this.showAllTasks=!1,this.attached=!0,this.unread=0,this.#e=null,this.#t=null,this.#n=!1,this.#r=new Set(un(`localStorage`,`dismissed`)),this.#i=new Ut,this.#s={submit:(e,t)=>void this.client?.submit(e,t),retry:e=>void this.client?.retry(e),resend:e=>this.client?.resend(e),discard:e=>this.client?.discard(e),resumeTask:e=>this.#u(e),startOver:e=>this.#d(e),dismissTask:e=>this.#f(e),openChat:e=>void this.#p(e)},this.#E=e=>this.#c(e),this.#D=()=>void this.client?.stop(),this.#O=e=>Wa(e,this.offlineReplies),this.#k=async()=>void await this.client?.loadEarlier(),this.#A=()=>{let e=this.client?.chat.events.findLast(e=>e.type===`user`);return e?.type===`user`?e.content??``:``}}static{this.styles=eo}static{this.properties={...Ua,listOpen:{state:!0},chats:{state:!0},showAllTasks:{state:!0},attached:{state:!0},unread:{state:!0}}}#e;#t;#n;#r;#i;connectedCallback(){super.connectedCallback(),queueMicrotask(()=>void this.#a())}async#a(){this.isConnected&&(this.client??=new Tt(this.#o()),this.#e??=new sn(this,this.client,this.cache===`off`?null:new Ba(this.server)),await this.#e.start(this.connect===`mount`))}#o(){return{url:this.server,idleCloseMs:this.idleCloseMs,...this.chat?{chat:this.chat}:{},...this.getToken?{getToken:this.getToken}:{}}}grown(e){this.#b?.showAnswers(e)}moved(e,t){let n=this.renderRoot.querySelector(`.announcer`);if(n&&this.#i.tell(n,e,t,this.#x().texts),this.layout===`page`&&!e.caught_up&&t.caught_up&&this.#g(),!e.caught_up||e.position===t.position)return;let r=Bt(e,t),i=r.filter(e=>e.type===`response`).length;this.attached||(this.unread+=i),i>0&&this.dispatchEvent(new CustomEvent(`chatstream-answer`,{detail:i}));let a=!t.turn&&r.some(e=>e.type===`turn`);this.layout===`page`&&a&&this.#g()}#s;#c(e,t=!1){return this.#b?.keeper.attach(),this.client?.send(e,t?{new_intent:!0}:{})!=null}#l(e){this.#c(e),this.focus()}#u(e){this.client?.resume(e),this.#b?.keeper.attach(),this.focus()}#d(e){let t=this.client?.chat,n=t?.intents[e];t&&n&&(this.#c(Jr(t,n),!0),this.#f(e))}#f(e){this.#r=new Set([...this.#r,e]),dn(`localStorage`,`dismissed`,[...this.#r].slice(-200)),this.requestUpdate(),this.focus()}async#p(e){this.listOpen=!1,this.showAllTasks=!1,e===null?this.client?.open():await this.#e?.open(e),this.#b?.keeper.attach(),await this.updateComplete,this.focus()}#m(){if(this.listOpen)return this.#h();this.listOpen=!0,this.#g(),this.updateComplete.then(()=>this.renderRoot.querySelector(`.list-close`)?.focus())}#h(){this.listOpen=!1,this.renderRoot.querySelector(`.list-toggle`)?.focus()}async#g(){try{this.chats=await this.client?.chats()??[]}catch{this.chats=`failed`}}#_(e){e.key===`Escape`&&this.listOpen?(e.stopPropagation(),this.#h()):e.key===`F6`&&(e.preventDefault(),La(this.renderRoot,e.shiftKey?-1:1))}focus(){let e=this.renderRoot.querySelector(`chatstream-composer`);this.#n=e===null,e?.focus()}async updated(){let e=this.renderRoot.querySelector(`chatstream-composer`);this.#n&&e&&(await e.updateComplete,this.focus())}#v(){let e=new CustomEvent(`chatstream-sign-in`,{bubbles:!0,composed:!0,cancelable:!0});this.dispatchEvent(e)&&this.client?.connect()}#y(e){this.attached=e,e&&(this.unread=0)}get#b(){return this.renderRoot.querySelector(`chatstream-log`)}#x(){let e=this.client?.chat.user_chat_id??``;return this.#t?.chatId!==e&&(this.#t=this.#S(e)),this.#t}#S(e){return{texts:new qa(this.closest(`[lang]`)?.getAttribute(`lang`)||navigator.language,this.strings),thinking:this.thinking,images:this.images,chatId:e,actions:this.#s}}willUpdate(e){(e.has(`strings`)||e.has(`thinking`)||e.has(`images`))&&(this.#t=null)}async scheduleUpdate(){this.hasUpdated&&!document.hidden&&await new Promise(requestAnimationFrame),await super.scheduleUpdate()}render(){let e=this.#x(),t=this.#e;return I`<div class="chat" part="chat" lang=${e.texts.locale} @keydown=${this.#_}>
      ${this.#C(e)}
      <div class="main">
        ${po({chat:t?.snapshot.chat??null,entries:t?.entries??[],heading:this.heading,closable:this.closable,listOpen:this.listOpen,onToggleList:()=>this.#m(),onClose:()=>this.dispatchEvent(new CustomEvent(`chatstream-close`))},e)}
        ${t?this.#w(t,t.snapshot,e):z}
      </div>
      <div class="announcer offscreen" role="status" aria-live="polite"></div>
    </div>`}#C(e){return!this.listOpen&&this.layout!==`page`?z:I`<div class="aside ${this.listOpen?`open`:``}">
        ${oo({chats:this.chats??(this.#e?.down?`failed`:null),currentId:e.chatId,onClose:()=>this.#h()},e)}
      </div>
      ${this.listOpen?I`<div class="scrim" @click=${()=>this.#h()}></div>`:z}`}#w(e,{chat:t,connection:n,outbox:r},i){let{entries:a,down:o}=e,s=o&&n.status!==`live`;return I` ${to({connection:n,down:o,cached:s&&t.events.length>0,onRetry:()=>e.client.retryNow(),onSignIn:()=>this.#v()},i)}
      <div class="stage">
        ${a.length+r.length===0?fo(this.suggestions,e=>this.#l(e),i):z}
        <chatstream-log
          class="log"
          part="log"
          role="log"
          aria-live="off"
          tabindex="0"
          aria-label=${i.texts.get(`log_label`)}
          .entries=${a}
          .chat=${t}
          .outbox=${r}
          .view=${i}
          .offlineReply=${s?this.#O:xo}
          .loadEarlier=${this.#k}
          @chatstream-attached=${e=>this.#y(e.detail)}
        ></chatstream-log>
        ${ho(this.attached,this.unread,()=>this.#b?.keeper.attach(),i)}
      </div>
      ${this.#T(t,r.length===0,i)}
      <chatstream-composer
        .view=${i}
        .running=${t.turn!==null}
        .closed=${t.status!==`open`}
        .placeholder=${this.placeholder}
        .onSend=${this.#E}
        .onStop=${this.#D}
        .lastSent=${this.#A}
      ></chatstream-composer>`}#T(e,t,n){return e.turn||Br(e)||!e.caught_up||!t?z:go(Kr(e,this.#r),n,this.showAllTasks,()=>this.showAllTasks=!0)}#E;#D;#O;#k;#A};function xo(){return null}K(`chatstream-chat`,bo);var So=u`
  :host {
    position: fixed;
    inset-block-end: max(20px, env(safe-area-inset-bottom));
    inset-inline-end: 20px;
    z-index: 2147483000;
    width: auto;
    height: auto;
    background: none;
  }
  :host([side='start']) {
    inset-inline: 20px auto;
  }
  .launch {
    position: relative;
    width: 58px;
    height: 58px;
    padding: 0;
    border: 0;
    border-radius: 50%;
    background: var(--accent);
    color: var(--on-accent);
    box-shadow:
      0 2px 6px rgb(20 24 40 / 18%),
      0 8px 24px rgb(20 24 40 / 22%);
  }
  .launch:hover:not(:disabled) {
    background: color-mix(in srgb, var(--accent) 88%, var(--text));
  }
  .launch .icon {
    width: 26px;
    height: 26px;
  }
  .count {
    position: absolute;
    inset-block-start: -4px;
    inset-inline-end: -4px;
    min-width: 22px;
    height: 22px;
    padding-inline: 6px;
    border-radius: 11px;
    background: var(--danger);
    color: var(--background);
    font-size: 12px;
    line-height: 22px;
    font-weight: 650;
  }
  .panel {
    position: absolute;
    inset-block-end: 72px;
    inset-inline-end: 0;
    width: min(408px, calc(100vw - 40px));
    height: min(680px, calc(100dvh - 116px));
    border: 1px solid var(--border);
    border-radius: calc(var(--radius) + 4px);
    background: var(--background);
    box-shadow:
      0 4px 12px rgb(20 24 40 / 10%),
      0 18px 52px rgb(20 24 40 / 22%);
    overflow: hidden;
    animation: chatstream-rise 160ms ease-out;
  }
  :host([side='start']) .panel {
    inset-inline: 0 auto;
  }
  @keyframes chatstream-rise {
    from {
      opacity: 0;
      transform: translateY(8px);
    }
  }
  @media (max-width: 479px) {
    .panel {
      position: fixed;
      inset: 0;
      width: 100%;
      height: 100dvh;
      border: 0;
      border-radius: 0;
    }
    :host([open]) .launch {
      display: none;
    }
  }
`,Co=`opened`,wo=class extends H{constructor(...e){super(...e),this.open=!1,this.side=`end`,this.theme=`auto`,this.unread=0,this.chatElement=null,this.options={}}static{this.styles=[Za,So]}static{this.properties={open:{type:Boolean,reflect:!0},side:{reflect:!0},theme:{reflect:!0},unread:{state:!0}}}willUpdate(){this.open&&dn(`localStorage`,Co,!0),!this.chatElement&&un(`localStorage`,Co)&&(this.chatElement=this.#e())}#e(){let e=Object.assign(new bo,this.options,{closable:!0,theme:this.theme});for(let t of Object.keys(Ua)){let n=this.getAttribute(t);n!==null&&e.setAttribute(t,n)}return e.setAttribute(`exportparts`,To),e.addEventListener(`chatstream-close`,()=>this.hide()),e.addEventListener(`chatstream-answer`,e=>{this.open||(this.unread+=e.detail)}),e}show(){this.open=!0,this.unread=0}hide(){this.open=!1,this.updateComplete.then(()=>this.renderRoot.querySelector(`.launch`)?.focus())}updated(e){e.has(`open`)&&this.open&&this.chatElement?.updateComplete.then(()=>this.chatElement?.focus())}render(){let e=this.#n();return I`<div
        class="panel"
        part="panel"
        role="dialog"
        aria-label=${e.get(`chat_label`)}
        ?hidden=${!this.open}
        @keydown=${e=>e.key===`Escape`&&this.hide()}
      >
        ${this.chatElement??z}
      </div>
      <slot name="launcher" @click=${()=>this.open?this.hide():this.show()}>
        <button
          type="button"
          class="launch"
          part="launcher"
          aria-expanded=${String(this.open)}
          aria-label=${this.#t(e)}
        >
          ${this.open?G.close:G.chat}
          ${this.unread>0?I`<span class="count" part="unread">${this.unread}</span>`:z}
        </button>
      </slot>`}#t(e){let t=e.get(this.open?`close_chat`:`open_chat`);return this.unread>0?`${t}, ${e.count(`unread`,this.unread)}`:t}#n(){return new qa(this.closest(`[lang]`)?.getAttribute(`lang`)||navigator.language,this.options.strings)}},To=`chat.header.task.banner.log.message.user-message.assistant-message.bubble.answer.thinking.form.buttons.button.placeholder.error.divider.resume-card.chat-list.chat-row.badge.close.submit.offline-reply.composer.input.send.stop.jump.code.copy.retry.empty.suggestion`.split(`.`).join(`, `);K(`chatstream-launcher`,wo);var Eo=`/api/v1`;function Do(e,t=Eo){return new URL(t,e).href}function Oo(e){let{target:t}=e.dataset,n=t?document.querySelector(t):null,r=n?new bo:new wo;r.setAttribute(`server`,e.dataset.server??Do(e.src,e.dataset.prefix));for(let{name:t,value:n}of e.attributes){let e=/^data-(?!chatstream$|target$|server$|prefix$)(.+)$/.exec(t)?.[1];e&&r.setAttribute(e,n)}return(n??document.body).append(r),r}function ko(e){if(window.ChatStream)return;let t={ChatElement:bo,LauncherElement:wo,ChatClient:Tt,element:null};if(window.ChatStream=t,!e?.hasAttribute(`data-chatstream`))return;let n=()=>{t.element=Oo(e),window.dispatchEvent(new CustomEvent(`chatstream-ready`,{detail:t.element}))};document.body?n():document.addEventListener(`DOMContentLoaded`,n,{once:!0})}return ko(document.currentScript instanceof HTMLScriptElement?document.currentScript:null),e.serverOf=Do,e})({});