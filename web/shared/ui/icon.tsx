/** Inline SVG icons (Lucide, ISC licence). Add a name here and it exists everywhere. */
import { h } from 'preact';
import {
  Activity, ArrowDown, CalendarClock, CloudCheck, CloudUpload, Images, EllipsisVertical, Lock, Satellite, Share, Volume2, ArrowLeft, ArrowRight, ArrowUp, Ban, BarChart3, Battery, Bell, BellOff, Camera, Car, Check, CheckCheck, ChevronDown, ChevronLeft, ChevronRight, ChevronUp,
  CircleAlert, CircleCheck, CircleHelp, CircleX, ClipboardList, Clock, CloudOff, Columns3, Copy, Crosshair, Download, ExternalLink, Eye, EyeOff, FileText, Filter, Flag, Hand, History,
  House, Image, Inbox, Info, Keyboard, Languages, Layers, LayoutGrid, Link, List, ListChecks, LoaderCircle, LocateFixed, LogOut, Mail, Map, MapPin, Maximize2, Menu, MessageSquare, Minus, Monitor,
  Moon, Navigation, Pause, Pencil, Phone, PhoneCall, PhoneOff, Plus, Power, QrCode, Radio, RefreshCw, RotateCcw, RotateCw, Save, Search, Send, Settings, Shield, Signal, SignalZero, Smartphone, Star, Sun, Timer,
  Trash2, TriangleAlert, Undo2, Upload, User, UserCheck, Users, UserX, Wifi, WifiOff, Wrench, X, ZoomIn, ZoomOut, type IconNode,
} from 'lucide';

const ICONS = {
  activity: Activity, calendar: CalendarClock, 'cloud-ok': CloudCheck, 'cloud-up': CloudUpload, images: Images, more: EllipsisVertical, lock: Lock, satellite: Satellite, share: Share, volume: Volume2, 'arrow-down': ArrowDown, 'arrow-left': ArrowLeft, 'arrow-right': ArrowRight, 'arrow-up': ArrowUp, ban: Ban, chart: BarChart3, battery: Battery, bell: Bell, 'bell-off': BellOff,
  camera: Camera, car: Car, check: Check, 'check-all': CheckCheck, 'chevron-down': ChevronDown, 'chevron-left': ChevronLeft, 'chevron-right': ChevronRight, 'chevron-up': ChevronUp,
  alert: CircleAlert, ok: CircleCheck, question: CircleHelp, error: CircleX, clipboard: ClipboardList, clock: Clock, 'cloud-off': CloudOff, columns: Columns3, copy: Copy, crosshair: Crosshair,
  download: Download, external: ExternalLink, eye: Eye, 'eye-off': EyeOff, file: FileText, filter: Filter, flag: Flag, hand: Hand, history: History, home: House, image: Image, inbox: Inbox, info: Info,
  keyboard: Keyboard, languages: Languages, layers: Layers, grid: LayoutGrid, link: Link, list: List, checklist: ListChecks, loader: LoaderCircle, locate: LocateFixed, 'sign-out': LogOut, mail: Mail, map: Map,
  pin: MapPin, maximize: Maximize2, menu: Menu, message: MessageSquare, minus: Minus, monitor: Monitor, moon: Moon, navigation: Navigation, pause: Pause, edit: Pencil, phone: Phone, 'phone-call': PhoneCall,
  'phone-off': PhoneOff, plus: Plus, power: Power, qr: QrCode, radio: Radio, refresh: RefreshCw, 'rotate-left': RotateCcw, 'rotate-right': RotateCw, save: Save, search: Search, send: Send, settings: Settings, shield: Shield,
  signal: Signal, 'signal-off': SignalZero, smartphone: Smartphone, star: Star, sun: Sun, timer: Timer, trash: Trash2, warning: TriangleAlert, undo: Undo2, upload: Upload, user: User, 'user-check': UserCheck,
  users: Users, 'user-x': UserX, wifi: Wifi, 'wifi-off': WifiOff, wrench: Wrench, x: X, 'zoom-in': ZoomIn, 'zoom-out': ZoomOut,
} satisfies Record<string, IconNode>;

export type IconName = keyof typeof ICONS;

export function Icon({ name, size = 18, label, class: extra }: { name: IconName; size?: number; label?: string; class?: string }) {
  return (
    <svg
      class={`icon ${extra ?? ''}`} width={size} height={size} viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width={size <= 16 ? 2.25 : 2}
      stroke-linecap="round" stroke-linejoin="round" {...(label ? { role: 'img', 'aria-label': label } : { 'aria-hidden': 'true' })}
    >
      {ICONS[name].map(([tag, attributes], n) => h(tag, { key: n, ...attributes } as object))}
    </svg>
  );
}
