export { type Alignment, alignMarks, type MarkFailure } from './align-marks.js';
export { type GazetteerOptions, openGazetteer } from './gazetteer.js';
