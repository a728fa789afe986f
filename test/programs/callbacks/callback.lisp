;; Callbacks of CLISP's FFI, which are GNU libffcall's: qsort() of the C library asks a Lisp function how two numbers
;; compare.
;;
;; With CALLBACKS_WAIT in the environment it says `ready` while its callbacks live, and goes on when it has read a line.
(use-package "FFI")

(def-call-out sort-in-c (:name "qsort") (:library :default) (:language :stdc)
  (:arguments (numbers (c-ptr (c-array int 200)) :in-out) (count size_t) (size size_t)
              (compare (c-function (:arguments (a (c-ptr int)) (b (c-ptr int)))
                                   (:return-type int) (:language :stdc))))
  (:return-type nil))

(defvar *numbers* (coerce (loop for n below 200 collect (mod (* n 7919) 1009)) 'vector))

;; A function that sorts by the distance from a number.
(defun by-distance (middle)
  (flet ((key (number) (+ (* 2000 (abs (- number middle))) number)))
    (lambda (a b) (- (key a) (key b)))))

(defun nearest (compare)
  (subseq (sort-in-c *numbers* 200 4 compare) 0 4))

(defun show-all (functions offset)
  (loop for compare in functions and middle from offset by 200
        do (format t "near ~a ~a~%" middle (nearest compare))))

(defvar *kept* (loop for middle below 1000 by 200 collect (by-distance middle)))
(show-all *kept* 0)
(when (ext:getenv "CALLBACKS_WAIT")
  (format t "ready~%")
  (finish-output)
  (read-line))
(format t "again ~a~%" (nearest (nth 3 *kept*)))
(setq *kept* nil)
(ext:gc)
(show-all (loop for middle from 25 below 1000 by 200 collect (by-distance middle)) 25)
(ext:exit 32)
